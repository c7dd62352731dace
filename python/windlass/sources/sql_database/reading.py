"""The rows of tables: read by the engine, in the form that the pipe wants."""

import decimal
import json
from typing import Any, Callable, Dict, Iterator, List, Optional

from windlass._native import native
from windlass.common import masking
from windlass.extract.context import EXTRACTION, PIPE
from windlass.extract.incremental import Incremental
from windlass.extract.items import LimitItem
from windlass.sources.sql_database.plan import Table

logger = masking.logger()


def row_limit(limit: Optional[LimitItem], chunk_size: int) -> Optional[int]:
    """How many rows a resource takes at most."""
    if limit is None or limit.max_items < 0:
        return None
    return limit.max_items if limit.count_rows else limit.max_items * chunk_size


def native_rows(table: Table, incremental: Optional[Incremental[Any]]) -> Iterator[Any]:
    """The rows of a table as the engine reads them."""
    pipe = PIPE.get()
    limit = pipe.find(LimitItem) if pipe is not None else None
    options = table.options
    request: Dict[str, Any] = {
        "schema": table.schema,
        "table": table.name,
        "columns": [column["name"] for column in table.shape()["columns"] if options.is_read(column["name"])],
        "chunk_rows": options.chunk_size,
        "limit": row_limit(limit, options.chunk_size),
        # Who counts chunks wants them whole; otherwise large rows may come in smaller ones.
        "is_exact": limit is not None and not limit.count_rows and limit.max_items >= 0,
    }
    if incremental is not None and incremental.cursor_path:
        request["cursor"] = json.loads(native().typed_dumps(incremental._engine_options()))
        start = incremental._bound().start_value()
        request["start"] = None if start is None else json.loads(start)
        incremental.order_by_growth(pipe)
    reader = native().sql_read(table.connection.native, json.dumps(request))
    take = _taker(reader, options.backend, _has_python(pipe))
    while True:
        item = take()
        for notice in reader.notices():
            logger.warning("table `%s`: %s", table.name, notice)
        if item is None:
            return
        yield item


def _has_python(pipe: Any) -> bool:
    """Whether code of the user sees the items of a pipe."""
    extraction = EXTRACTION.get()
    if extraction is None or not extraction.is_for_engine or pipe is None:
        return True
    if any(not isinstance(step, (Incremental, LimitItem)) for step in pipe.steps):
        return True
    resources = extraction.source.resources.values()
    if any(resource._pipe.parent is pipe for resource in resources):
        return True
    own = next((resource for resource in resources if resource._pipe is pipe), None)
    return own is None or any(callable(value) for value in own._hints.values())


def _taker(reader: Any, backend: str, has_python: bool) -> Callable[[], Any]:
    if not has_python:
        # Rows have ids and nested tables, columns have not: the backend decides, though Python sees neither.
        return reader.next_lines if backend == "sqlalchemy" else reader.next_table  # type: ignore[no-any-return]
    if backend == "sqlalchemy":
        meanings = reader.meanings()
        return lambda: _rows(reader.next_rows(), meanings)
    if backend == "pandas":
        return lambda: _frame(reader.next_table())
    return lambda: _arrow(reader.next_table())


def _rows(rows: Optional[List[Dict[str, Any]]], meanings: Any) -> Optional[List[Dict[str, Any]]]:
    """Rows whose JSON is parsed, as drivers of databases give it."""
    for column, meaning in meanings:
        read: Callable[[str], Any] = json.loads if meaning == "json" else decimal.Decimal
        for row in rows or ():
            if row[column] is not None:
                row[column] = read(row[column])
    return rows


def _arrow(table: Any) -> Any:
    """A table of pyarrow, if it is there."""
    if table is None:
        return None
    try:
        import pyarrow
    except ImportError:
        return table
    return pyarrow.table(table)


def _frame(table: Any) -> Any:
    if table is None:
        return None
    import pandas
    import pyarrow

    return pyarrow.table(table).to_pandas(types_mapper=pandas.ArrowDtype)
