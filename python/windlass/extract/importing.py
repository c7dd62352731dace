"""Files that resources hand over whole."""

import gzip
from typing import Any, Iterator

from windlass.common.data_writers.exceptions import FileImportNotFound


def rows_of_file(path: str, file_format: str) -> Iterator[Any]:
    """The rows of a file, in pages."""
    import os

    if not os.path.isfile(path):
        raise FileImportNotFound(path, "", msg=f"the file {path}, which is to be imported, does not exist")
    if file_format == "parquet":
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        with pq.ParquetFile(path) as file:
            yield from file.iter_batches()
    elif file_format == "jsonl":
        yield from _lines(path)
    elif file_format == "csv":
        import csv

        with _text(path) as file:
            yield from _pages(csv.DictReader(file))
    else:
        raise NotImplementedError(
            f"windlass imports files of the formats parquet, jsonl and csv, not `{file_format}`: read {path} in the resource"
        )


def _text(path: str) -> Any:
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if is_gzip else open(path, encoding="utf-8", newline="")


def _lines(path: str) -> Iterator[Any]:
    import json

    with _text(path) as file:
        yield from _pages(json.loads(line) for line in file if line.strip())


def _pages(rows: Any, size: int = 5000) -> Iterator[Any]:
    page = []
    for row in rows:
        page.append(row)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
