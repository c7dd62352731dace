"""What is in files: CSV, JSON lines, Parquet. Rows that no step wants to see go to the engine unread."""

from typing import Any, Dict, Iterable, Iterator, List, Optional

from windlass._native import native
from windlass.common.exceptions import MissingDependencyException
from windlass.common.storages.fsspec_filesystem import FileItemDict
from windlass.extract.unread import UnreadRows

__source_name__ = "filesystem"



def _read_csv(items: Iterable[FileItemDict], chunksize: int = 10000, **pandas_kwargs: Any) -> Iterator[Any]:
    """Rows of CSV files, read by pandas, `chunksize` at a time; other arguments are those of `pandas.read_csv`."""
    pandas = _needed("pandas", "read_csv")
    options = {"header": "infer", "chunksize": chunksize, **pandas_kwargs}
    opening: Dict[str, Any] = {}
    if "encoding" in options:
        # pandas itself gives no text of bytes that were unpacked.
        opening = {"mode": "r", "newline": "", "encoding": options.pop("encoding")}
        if "encoding_errors" in options:
            opening["errors"] = options.pop("encoding_errors")
    for item in items:
        with item.open(**opening) as file:
            if not opening:
                _refuse_wide_characters(file, item)
            with pandas.read_csv(file, **options) as frames:
                for frame in frames:
                    yield _rows_of_frame(frame)


def _refuse_wide_characters(file: Any, item: FileItemDict) -> None:
    """Raises for a text of two bytes a character, of which pandas makes names and values with zeros in them."""
    if not file.seekable():
        return
    head = file.read(4096)
    file.seek(0)
    for name, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        count = zeros.count(0)
        if count >= 2 and count >= 0.4 * len(zeros) and others.count(0) <= 0.02 * len(others):
            raise ValueError(f"{item['file_url']} is not UTF-8, it looks like {name}: read_csv(encoding=\"{name}\") reads it")


def _rows_of_frame(frame: Any) -> Any:
    """A frame as rows: nothing is a float in them that pandas has as `nan`."""
    plain = ("int64", "float64", "bool")
    kinds = [str(kind) for kind in frame.dtypes]
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names) or not len(frame):
        return frame.to_dict(orient="records")
    if not all(kind in plain or kind in ("object", "str", "string") for kind in kinds):
        return frame.to_dict(orient="records")
    try:
        import pyarrow

        # Columns of several types are none for Arrow.
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (ImportError, ValueError, TypeError):
        return frame.to_dict(orient="records")
    texts = ("string", "large_string", "string_view")
    for kind, field in zip(kinds, table.schema):
        is_text = str(field.type) in texts or field.type.id == 0
        if kind not in plain and not is_text:
            return frame.to_dict(orient="records")
    return UnreadRows(native().rows_of_columns(table), lambda: frame.to_dict(orient="records"))


def _read_jsonl(items: Iterable[FileItemDict], chunksize: int = 1000) -> Iterator[Any]:
    """Rows of JSON lines files, `chunksize` at a time where a step wants to see them. Blank lines are skipped."""
    from itertools import islice

    for item in items:
        with item.open() as file:
            number = 0
            lines: List[bytes]
            while True:
                lines = list(islice(file, chunksize))
                if not lines:
                    break
                if number == 0:
                    # A mark of the order of bytes, which JSON has not.
                    lines[0] = lines[0][3:] if lines[0].startswith(b"\xef\xbb\xbf") else lines[0]
                text = b"".join(lines)
                written = native().rows_of_lines(text)
                if written is None:
                    yield _parsed(lines, item, number)
                else:
                    yield UnreadRows(written, _parser(lines, item, number))
                number += len(lines)


def _parser(lines: List[bytes], item: FileItemDict, before: int) -> Any:
    return lambda: _parsed(lines, item, before)


def _parsed(lines: List[bytes], item: FileItemDict, before: int) -> List[Any]:
    """The values of lines. Raises for the first that is no JSON, with the name of the file and the line."""
    import json

    rows = []
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except ValueError as cause:
            raise ValueError(f"{item['file_url']}, line {number}, is no JSON: {cause}") from cause
    return rows


def _read_parquet(items: Iterable[FileItemDict], chunksize: int = 1000, use_pyarrow: bool = False) -> Iterator[Any]:
    """Rows of Parquet files, or with `use_pyarrow` batches of columns, `chunksize` at a time."""
    _needed("pyarrow", "read_parquet")
    from pyarrow import parquet

    for item in items:
        with item.open() as file:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size=chunksize):
                yield batch if use_pyarrow else _rows_of_batch(batch)


def _rows_of_batch(batch: Any) -> Any:
    try:
        return UnreadRows(native().rows_of_columns(batch), batch.to_pylist)
    except TypeError:
        # A type that only pyarrow has as a Python value.
        return batch.to_pylist()


def _read_csv_duckdb(
    items: Iterable[FileItemDict], chunk_size: Optional[int] = 5000, use_pyarrow: bool = False, **duckdb_kwargs: Any
) -> Iterator[Any]:
    """Rows of CSV files, read by DuckDB, `chunk_size` at a time, or with `use_pyarrow` batches of columns; other
    arguments are those of DuckDB's `read_csv`."""
    duckdb = _needed("duckdb", "read_csv_duckdb")
    names_files = duckdb_kwargs.pop("filename", False)
    connection = duckdb.connect()
    try:
        for item in items:
            with item.open() as file:
                try:
                    relation = connection.read_csv(file, **duckdb_kwargs)
                except duckdb.InvalidInputException:
                    if not item.get("size_in_bytes", 1):
                        continue
                    raise
                yield from _rows_of_relation(relation, chunk_size or 5000, use_pyarrow, item, names_files)
    finally:
        connection.close()


def _rows_of_relation(relation: Any, size: int, use_pyarrow: bool, item: FileItemDict, names_files: bool) -> Iterator[Any]:
    pyarrow = _needed("pyarrow", "read_csv_duckdb")
    # Its name changed from one version to the next.
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    for batch in read(size):
        if use_pyarrow:
            yield batch
            continue
        if names_files:
            names = pyarrow.array([item["file_name"]] * batch.num_rows, pyarrow.string())
            batch = pyarrow.record_batch([*batch.columns, names], [*batch.schema.names, "filename"])
        yield _rows_of_batch(batch)


def _needed(module: str, what: str) -> Any:
    """A library that a reader is built on."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as cause:
        raise MissingDependencyException(
            f"windlass.sources.filesystem.{what}", [module], msg=f"{what} needs {module}: pip install {module}"
        ) from cause
