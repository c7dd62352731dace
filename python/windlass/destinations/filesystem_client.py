"""A client of a folder that data was loaded to: where the files of tables are, and fsspec's names to work with them."""

import os
import posixpath
import re
from types import ModuleType
from typing import Any, Iterable, List, Optional

from windlass.common.storages.configuration import FilesystemConfiguration, path_of, url_of
from windlass.common.storages.local_files import local_files


def check_part(name: str) -> None:
    """Raises for a name that would lead elsewhere as a part of a path."""
    if name in (".", "..") or re.search(r"[/\\\0]|^[A-Za-z]:", name):
        raise ValueError(f"{name!r} cannot be a part of a path")


def check_no_link(bucket: str, path: str) -> None:
    """Raises if a folder between the bucket and a file is a symbolic link."""
    folder = posixpath.dirname(path)
    while len(folder) > len(bucket):
        if os.path.islink(folder):
            raise OSError(f"{folder} is a symbolic link; nothing is deleted through it")
        folder = posixpath.dirname(folder)


#: The layout when nobody says otherwise.
DEFAULT_LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"


class FilesystemClient:
    """The files of a dataset."""

    pathlib: ModuleType = posixpath

    def __init__(self, engine: Any, pipeline: Any, schema: Any) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._layout = pipeline.destination.engine_options(pipeline.pipeline_name).get("layout") or DEFAULT_LAYOUT
        self.schema = schema
        self.fs_client = local_files()
        self.bucket_path = str(engine.location).replace("\\", "/").rstrip("/")
        self.config = FilesystemConfiguration(url_of(self.bucket_path))

    @property
    def dataset_name(self) -> str:
        """The name of the dataset."""
        return str(self._engine.dataset_name())

    @property
    def dataset_path(self) -> str:
        """The folder of the dataset, with a `/` at its end."""
        return posixpath.join(self.bucket_path, self.dataset_name, "")

    @property
    def is_local_filesystem(self) -> bool:
        """Whether the files are on this machine."""
        return True

    @property
    def sql_client(self) -> Any:
        """A client that executes SQL on the files."""
        from windlass.destinations.sql_client import SqlClient

        return SqlClient(self._engine, self._pipeline)

    def is_storage_initialized(self) -> bool:
        """Whether anything was loaded."""
        return bool(self.fs_client.exists(posixpath.join(self.dataset_path, "init")))

    def get_table_prefix(self, table_name: str, schema_name: Optional[str] = None) -> str:
        """What the paths of all files of a table begin with."""
        if table_name.startswith("_dlt"):
            check_part(table_name)
            return posixpath.join(self.dataset_path, table_name, "")
        until = re.match(r".*?\{table_name\}.?", self._layout, re.DOTALL)
        prefix = until.group(0) if until else "{table_name}/"
        name = schema_name or (self.schema.name if self.schema is not None else "")
        for part in (table_name, name):
            check_part(part)
        if prefix.endswith("}"):
            # The extension follows.
            prefix += "."
        return self.dataset_path + prefix.replace("{schema_name}", name).replace("{table_name}", table_name)

    def get_table_dir(self, table_name: str, remote: bool = False, schema_name: Optional[str] = None) -> str:
        """The folder of the files of a table."""
        folder = posixpath.dirname(self.get_table_prefix(table_name, schema_name)) + "/"
        return self.make_remote_url(folder) if remote else folder

    def get_table_dirs(self, table_names: Iterable[str], remote: bool = False) -> List[str]:
        """The folders of tables."""
        return [self.get_table_dir(name, remote) for name in table_names]

    def list_table_files(self, table_name: str, schema_name: Optional[str] = None) -> List[str]:
        """The paths of the files of a table."""
        folder = self.get_table_dir(table_name, schema_name=schema_name)
        return self.list_files_with_prefixes(folder, [self.get_table_prefix(table_name, schema_name)])

    def list_files_with_prefixes(self, table_dir: str, prefixes: List[str]) -> List[str]:
        """The paths below a folder that begin with one of these."""
        if not self.fs_client.exists(table_dir):
            return []
        found = [path.replace("\\", "/") for path in self.fs_client.find(table_dir)]
        return [path for path in found if any(path.startswith(prefix) for prefix in prefixes)]

    def make_remote_url(self, remote_path: str) -> str:
        """The URL of a path."""
        return url_of(remote_path) + ("/" if remote_path.endswith("/") else "")

    def read_bytes(self, path: str, start: Any = None, end: Any = None, **kwargs: Any) -> bytes:
        """The bytes of a file."""
        return bytes(self.fs_client.read_bytes(path, start, end, **kwargs))

    def read_text(
        self, path: str, encoding: Any = "utf-8", errors: Any = None, newline: Any = None, compression: Any = None, **kwargs: Any
    ) -> str:
        """The text of a file, unpacked if it was packed."""
        if compression in ("gzip", "infer") and (compression == "gzip" or path.endswith(".gz")):
            import gzip

            return gzip.decompress(self.read_bytes(path_of(path))).decode(encoding, errors or "strict")
        return str(self.fs_client.read_text(path, encoding, errors, newline, **kwargs))

    def truncate_tables(self, table_names: List[str]) -> None:
        """Removes the files of tables. Nothing is removed through a symbolic link to a folder."""
        found = {name: self.list_table_files(name) for name in table_names}
        for paths in found.values():
            for path in paths:
                check_no_link(self.bucket_path, path)
        for paths in found.values():
            for path in paths:
                self.fs_client.rm_file(path)

    def __enter__(self) -> "FilesystemClient":
        return self

    def __exit__(self, *_: Any) -> None:
        """Nothing is held open."""

    def __getattr__(self, name: str) -> Any:
        # What a client of a database has as well.
        if name.startswith("_") or "_engine" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.sql_client, name)


__all__ = ["FilesystemClient"]
