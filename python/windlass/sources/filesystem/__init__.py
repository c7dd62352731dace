"""Files as a source: their listing, and what is in them."""

from typing import Any, Dict, Iterator, List, Optional

from windlass.common.storages.configuration import FilesystemConfiguration
from windlass.common.storages.fsspec_filesystem import (
    FileItem,
    FileItemDict,
    fsspec_filesystem,
    fsspec_from_config,
    glob_files,
)
from windlass.common.typing import CONFIG_VALUE
from windlass.extract.decorators import resource, source, transformer
from windlass.extract.incremental import Incremental
from windlass.extract.resource import DltResource
from windlass.sources.filesystem.helpers import credentials_of
from windlass.sources.filesystem.readers import _read_csv, _read_csv_duckdb, _read_jsonl, _read_parquet
from windlass.sources.filesystem.settings import DEFAULT_CHUNK_SIZE

__source_name__ = "filesystem"


@resource(name="filesystem", primary_key="file_url", section="filesystem")
def filesystem(
    bucket_url: str = CONFIG_VALUE,  # type: ignore[assignment]
    credentials: Any = None,
    file_glob: str = "*",
    files_per_page: int = DEFAULT_CHUNK_SIZE,
    extract_content: bool = False,
    kwargs: Optional[Dict[str, Any]] = None,
    client_kwargs: Optional[Dict[str, Any]] = None,
    incremental: Optional[Incremental[Any]] = None,
    fetch_file_info: bool = False,
) -> Iterator[List[FileItemDict]]:
    """The files of a folder or a bucket that a pattern fits, in pages."""
    if files_per_page < 1:
        raise ValueError(f"files_per_page is {files_per_page}: a page has at least one file")
    config = FilesystemConfiguration(bucket_url, None, False, kwargs, client_kwargs)
    config.credentials = credentials_of(config.protocol, credentials)
    client: Any = None
    if not config.is_local_filesystem or hasattr(config.credentials, "open"):
        client = fsspec_from_config(config)[0]
    found: Any = glob_files(client, config.bucket_url, file_glob, fetch_file_info)
    if incremental is not None and incremental.row_order:
        cursor = incremental.get_cursor_column_name() or incremental.cursor_path
        found = sorted(found, key=lambda item: item[cursor], reverse=_is_descending(incremental))
    else:
        # Files that appear while others are read belong to the next run.
        found = list(found)
    page: List[FileItemDict] = []
    for item in found:
        file = FileItemDict(item, client)
        if extract_content:
            file["file_content"] = file.read_bytes()
        page.append(file)
        if len(page) == files_per_page:
            yield page
            page = []
    if page:
        yield page


def _is_descending(incremental: Any) -> bool:
    """Whether the files come from the far end of the cursor: `asc` is the way that it goes."""
    goes_down = incremental.last_value_func is min
    return (incremental.row_order == "desc") != goes_down


@source(name="readers", section="filesystem")
def readers(
    bucket_url: str = CONFIG_VALUE,  # type: ignore[assignment]
    credentials: Any = None,
    file_glob: str = "*",
    kwargs: Optional[Dict[str, Any]] = None,
    client_kwargs: Optional[Dict[str, Any]] = None,
    incremental: Optional[Incremental[Any]] = None,
) -> Any:
    """The readers, each with a listing of its own."""
    options = {"kwargs": kwargs, "client_kwargs": client_kwargs, "incremental": incremental}
    for name, read in (
        ("read_csv", _read_csv),
        ("read_jsonl", _read_jsonl),
        ("read_parquet", _read_parquet),
        ("read_csv_duckdb", _read_csv_duckdb),
    ):
        listing = filesystem(bucket_url, credentials, file_glob=file_glob, **options)
        yield listing | transformer(name=name, section="filesystem")(read)


read_csv: DltResource = transformer(section="filesystem")(_read_csv)
read_jsonl: DltResource = transformer(section="filesystem")(_read_jsonl)
read_parquet: DltResource = transformer(section="filesystem")(_read_parquet)
read_csv_duckdb: DltResource = transformer(section="filesystem")(_read_csv_duckdb)


__all__ = [
    "FileItem",
    "FileItemDict",
    "filesystem",
    "fsspec_filesystem",
    "glob_files",
    "read_csv",
    "read_csv_duckdb",
    "read_jsonl",
    "read_parquet",
    "readers",
]
