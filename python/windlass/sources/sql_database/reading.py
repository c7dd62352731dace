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


#: Declared types whose order is not that of the texts that a database holds.
_MEANT = ("bigint", "decimal", "double", "wei", "timestamp", "date", "time")


def is_compared_here(name: str, incremental: Optional[Incremental[Any]], kind: Callable[[str], Optional[str]]) -> bool:
    """Whether the cursor of a table is a text that is declared to mean something else: its letters have another order,
    by which the database would leave rows out. Then the whole table is read and the cursor compares.

    `kind` tells the type that a column has in the database. Raises where a limit would cut rows in the wrong order.
    """
    extraction, pipe = EXTRACTION.get(), PIPE.get()
    if incremental is None or extraction is None:
        return False
    column = incremental.get_cursor_column_name()
    declared = extraction.declared_type(pipe, column)
    if column is None or declared not in _MEANT or kind(column) != "text":
        return False
    remedy = f"read a view, or use a query_adapter_callback, that casts `{column}`"
    if incremental.row_order is not None:
        if pipe is not None and pipe.find(LimitItem) is not None:
            raise ValueError(
                f"table `{name}`: the cursor `{column}` is declared `{declared}` and a text in the database, whose "
                f"order is another: row_order and add_limit would lose rows: {remedy}"
            )
        incremental.drop_order(pipe)
    logger.warning(
        "table `%s`: the cursor `%s` is declared `%s` and a text in the database, whose order is another: the whole "
        "table is read and compared here; to read less, %s", name, column, declared, remedy,
    )
    return True


def native_rows(table: Table, incremental: Optional[Incremental[Any]]) -> Iterator[Any]:
    """The rows of a table as the engine reads them."""
    pipe = PIPE.get()
    limit = pipe.find(LimitItem) if pipe is not None else None
    options = table.options
    is_for_engine = bool(incremental is not None and incremental.cursor_path)
    if is_compared_here(table.name, incremental, table.kind_of):
        is_for_engine, limit = False, None
    request: Dict[str, Any] = {
        "schema": table.schema,
        "table": table.name,
        "columns": [column["name"] for column in table.shape()["columns"] if options.is_read(column["name"])],
        "chunk_rows": options.chunk_size,
        "limit": row_limit(limit, options.chunk_size),
        # Who counts chunks wants them whole; otherwise large rows may come in smaller ones.
        "is_exact": limit is not None and not limit.count_rows and limit.max_items >= 0,
    }
    if incremental is not None and is_for_engine:
        request["cursor"] = json.loads(native().typed_dumps(incremental._engine_options()))
        start = incremental._bound().start_value()
        request["start"] = None if start is None else json.loads(start)
        incremental.order_by_growth(pipe)
    reader = native().sql_read(table.connection.native, json.dumps(request))
    has_python = _has_python(pipe)
    if not has_python and pipe is not None and options.backend == "sqlalchemy":
        EXTRACTION.get().columns.check(pipe.name, request["columns"])  # type: ignore[union-attr]
    take = _taker(reader, options.backend, has_python)
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
