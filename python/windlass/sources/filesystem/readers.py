"""What is in files: CSV, JSON lines, Parquet. Rows that no step wants to see go to the engine unread."""

from typing import Any, Iterable, Iterator, List, Optional

from windlass._native import native
from windlass.common.exceptions import MissingDependencyException
from windlass.common.storages.fsspec_filesystem import FileItemDict
from windlass.extract.limits import record_limit
from windlass.extract.unread import UnreadRows
from windlass.sources.filesystem.csv_text import CsvText, separator_of
from windlass.sources.filesystem.frames import OPTIONS, Columns, rows_of_frame, says_values
from windlass.sources.filesystem.texts import Text, likely, naming, refuse_wide_characters

__source_name__ = "filesystem"


def _read_csv(items: Iterable[FileItemDict], chunksize: int = 10000, **pandas_kwargs: Any) -> Iterator[Any]:
    """Rows of CSV files, read by pandas, `chunksize` at a time; other arguments are those of `pandas.read_csv`.

    Unless these say how nothing is written, only a field that is empty and not quoted is none, and in columns of
    numbers and bools also `""` and words such as `NA`.
    """
    pandas = _needed("pandas", "read_csv")
    options = {"header": "infer", "chunksize": chunksize, **pandas_kwargs}
    encoding, errors = options.pop("encoding", None), options.pop("encoding_errors", None) or "strict"
    separator = separator_of(options)
    is_ours = not says_values(options)
    if is_ours:
        options.update(OPTIONS)
    limit = record_limit()
    for item in items:
        with naming(item), item.open() as file:
            text = Text(file, item, "read_csv", encoding, errors)
            written = CsvText(text, separator, is_ours, limit) if separator else text.as_file()
            columns = Columns(item)
            try:
                with pandas.read_csv(written, **options) as frames:
                    for frame in frames:
                        yield rows_of_frame(columns.settled(frame) if is_ours else frame)
            except ValueError:
                failure = getattr(written, "failure", None)
                if failure is not None:
                    raise failure from failure.__cause__
                raise


def _read_jsonl(items: Iterable[FileItemDict], chunksize: int = 1000, encoding: Optional[str] = None) -> Iterator[Any]:
    """Rows of JSON lines files, `chunksize` at a time where a step wants to see them. Blank lines are skipped.

    `encoding` is that of files that are not UTF-8 and have no mark of another.
    """
    limit = record_limit()
    for item in items:
        with naming(item), item.open() as file:
            number = 0
            for lines in Text(file, item, "read_jsonl", encoding).lines(chunksize, limit):
                rows = native().rows_of_lines(b"\n".join(lines))
                if rows is None:
                    yield _parsed(lines, item, number)
                else:
                    yield UnreadRows(rows, _parser(lines, item, number))
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
            rows.append(json.loads(line.decode("utf-8")))
        except UnicodeDecodeError as cause:
            raise ValueError(
                f"{item['file_url']}, line {number}, is not UTF-8: {cause.reason}; if the file is written in another "
                f"encoding, name it: read_jsonl(encoding=…), {likely(line)}"
            ) from cause
        except ValueError as cause:
            raise ValueError(f"{item['file_url']}, line {number}, is no JSON: {cause}") from cause
    return rows


def _read_parquet(items: Iterable[FileItemDict], chunksize: int = 1000, use_pyarrow: bool = False) -> Iterator[Any]:
    """Rows of Parquet files, or with `use_pyarrow` batches of columns, `chunksize` at a time."""
    _needed("pyarrow", "read_parquet")
    from pyarrow import parquet

    for item in items:
        with naming(item), item.open() as file:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size=chunksize):
                yield batch if use_pyarrow else _rows_of_batch(batch)


def _rows_of_batch(batch: Any) -> Any:
    try:
        return UnreadRows(native().rows_of_columns(batch), batch.to_pylist, batch.schema.names)
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
            with naming(item), item.open() as file:
                if "encoding" not in duckdb_kwargs:
                    refuse_wide_characters(file, item, "read_csv")
                try:
                    relation = connection.read_csv(file, **duckdb_kwargs)
                except duckdb.InvalidInputException:
                    if not item.get("size_in_bytes", 1):
                        continue
                    raise
                yield from _rows_of_relation(relation, chunk_size or 5000, use_pyarrow, item, names_files)
    finally:
        connection.close()


def _rows_of_relation(
    relation: Any, size: int, use_pyarrow: bool, item: FileItemDict, names_files: bool
) -> Iterator[Any]:
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
