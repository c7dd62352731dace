"""Loaders of tables by SQLAlchemy, and the function that a resource reads by."""

import inspect
from typing import Any, Callable, Dict, Iterator, List, Literal, Optional, Type

from windlass.common.exceptions import choices
from windlass.extract.context import PIPE
from windlass.extract.incremental import Incremental
from windlass.extract.items import DataItemWithMeta, HintsMeta, LimitItem
from windlass.sources.sql_database.connection import engine_from_credentials, sqlalchemy
from windlass.sources.sql_database.plan import Table, TableOptions
from windlass.sources.sql_database.reading import is_compared_here, native_rows, row_limit
from windlass.sources.sql_database.schema_types import kind_of

TableBackend = Literal["sqlalchemy", "pyarrow", "pandas", "connectorx"]
ReflectionLevel = Literal["minimal", "full", "full_with_precision"]
SelectClause = Any
TQueryAdapter = Callable[..., Any]
TTableAdapter = Callable[[Any], Any]
TTypeAdapter = Callable[[Any], Any]


class BaseTableLoader:
    """Reads the rows of a table: subclasses say how, by `load_rows`."""

    def __init__(
        self,
        engine: Any,
        backend: str,
        table: Any,
        columns: Dict[str, Dict[str, Any]],
        chunk_size: int = 1000,
        incremental: Optional[Incremental[Any]] = None,
        query_adapter_callback: Optional[TQueryAdapter] = None,
        limit: Optional[LimitItem] = None,
    ) -> None:
        self.engine = engine
        self.backend = backend
        self.table = table
        self.columns = columns
        self.chunk_size = chunk_size
        self.query_adapter_callback = query_adapter_callback
        self.incremental = incremental
        self.limit = limit
        self.cursor_column: Any = None
        self.last_value: Any = None
        self.end_value: Any = None
        self.row_order: Any = None
        self.on_cursor_value_missing: Any = None
        self.range_start, self.range_end = "closed", "open"
        if incremental is not None and incremental.cursor_path:
            name = incremental.get_cursor_column_name()
            if name is None:
                raise ValueError(
                    f"the cursor `{incremental.cursor_path}` is a path, but the records are rows: name a column"
                )
            if name not in table.c:
                raise KeyError(
                    f"Cursor column `{name}` does not exist in table `{table.name}`: it has {', '.join(table.c.keys())}"
                )
            self.cursor_column = table.c[name]
            self.last_value = incremental.start_value
            self.end_value = incremental.end_value
            self.row_order = incremental.row_order
            self.on_cursor_value_missing = incremental.on_cursor_value_missing
            self.range_start, self.range_end = incremental.range_start, incremental.range_end

    def load_rows(self, backend_kwargs: Optional[Dict[str, Any]] = None) -> Iterator[Any]:
        """The rows, in chunks."""
        raise NotImplementedError(f"{type(self).__name__} has no load_rows")


class TableLoader(BaseTableLoader):
    """Reads by SQLAlchemy: one query, rows in chunks."""

    #: Whether the database compares the cursor by another order than that of what it means.
    is_compared_here = False

    def _make_query(self) -> Any:
        query = self.table.select()
        if self.is_compared_here:
            return query
        limit = row_limit(self.limit, self.chunk_size)
        column = self.cursor_column
        func: Any = getattr(self.incremental, "last_value_func", None)
        func = max if func == "max" else min if func == "min" else func
        if column is not None and func in (max, min):
            query = query if (condition := self._range(column, func is max)) is None else query.where(condition)
            if self.row_order is not None:
                is_up = (self.row_order == "asc") == (func is max)
                column = self._by_bytes(column)
                query = query.order_by(column.asc() if is_up else column.desc())
        return query if limit is None else query.limit(limit)

    def _range(self, column: Any, is_max: bool) -> Any:
        import operator

        further = operator.gt if is_max else operator.lt
        nearer = operator.lt if is_max else operator.gt
        reached = operator.ge if is_max else operator.le
        within = operator.le if is_max else operator.ge
        alchemy = sqlalchemy()
        condition = None
        compared = self._by_bytes(column)
        if self.last_value is not None:
            condition = (reached if self.range_start == "closed" else further)(compared, self.last_value)
            if self.end_value is not None:
                end = (within if self.range_end == "closed" else nearer)(compared, self.end_value)
                condition = alchemy.and_(condition, end)
            if self.on_cursor_value_missing == "include":
                condition = alchemy.or_(condition, column.is_(None))
        if self.on_cursor_value_missing == "exclude":
            present = column.is_not(None)
            condition = present if condition is None else alchemy.and_(condition, present)
        return condition

    def _by_bytes(self, column: Any) -> Any:
        """The column as the engine compares texts: another collation would leave rows out."""
        collation = {"sqlite": "BINARY", "postgresql": "C"}.get(self.engine.dialect.name)
        types = sqlalchemy().types
        is_text = isinstance(column.type, types.String) and not isinstance(column.type, types.Enum)
        return column.collate(collation) if collation and is_text else column

    def make_query(self) -> Any:
        """The query, after the adapter."""
        query = self._make_query()
        if self.query_adapter_callback is None:
            return query
        given: Any = (query, self.table, self.incremental, self.engine)
        try:
            inspect.signature(self.query_adapter_callback).bind(*given)
        except (TypeError, ValueError):
            given = given[:2]
        return self.query_adapter_callback(*given)

    def compile_query(self, query: Any) -> str:
        """The text of a query, values as literals."""
        return str(query.compile(self.engine, compile_kwargs={"literal_binds": True}))

    def get_connection_url(self) -> str:
        """The URL without the name of the driver."""
        url = self.engine.url
        return str(url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False))

    def load_rows(self, backend_kwargs: Optional[Dict[str, Any]] = None) -> Iterator[Any]:
        """The rows in the form of the backend."""
        yield from self._load_rows(self.make_query(), backend_kwargs or {})

    def _load_rows(self, query: Any, backend_kwargs: Dict[str, Any]) -> Iterator[Any]:
        with self.engine.connect() as connection:
            result = connection.execution_options(yield_per=self.chunk_size).execute(query)
            yield from self._convert_result(result, backend_kwargs)

    def _convert_result(self, result: Any, backend_kwargs: Dict[str, Any]) -> Iterator[Any]:
        names = list(result.keys())
        for rows in result.partitions(size=self.chunk_size):
            if self.backend == "sqlalchemy":
                yield [dict(zip(names, row)) for row in rows]
                continue
            table = arrow_table(names, rows, self.columns)
            if self.backend == "pandas":
                import pandas

                table = table.to_pandas(types_mapper=pandas.ArrowDtype)
            yield table


#: The backend that reads by a library of its own in the reference; it is SQLAlchemy's rows here.
ConnectorXTableLoader = TableLoader

_LOADERS: Dict[str, Type[BaseTableLoader]] = {}


def register_table_loader_backend(backend_name: str, loader_class: Type[BaseTableLoader]) -> None:
    """Adds the name of a backend, or replaces one."""
    _LOADERS[backend_name] = loader_class


def registered_loader(backend_name: str) -> Optional[Type[BaseTableLoader]]:
    """The loader that somebody registered for a backend."""
    return _LOADERS.get(backend_name)


def get_table_loader_class(backend_name: str) -> Type[BaseTableLoader]:
    """The loader of a backend. Raises for a name that is unknown."""
    known = _LOADERS.get(backend_name)
    if known is None and backend_name in ("sqlalchemy", "pyarrow", "pandas", "connectorx"):
        known = TableLoader
    if known is None:
        names = ["sqlalchemy", "pyarrow", "pandas", "connectorx", *_LOADERS]
        raise ValueError(f"there is no backend `{backend_name}`: {choices(backend_name, names)}")
    return known


def remove_nullability_adapter(table: Any) -> Any:
    """A table adapter: the schema says of no column whether it can be null."""
    for column in table.columns:
        # SQLAlchemy's own value for what nobody said.
        column.nullable = None
    return table


def arrow_table(names: List[str], rows: Any, hints: Dict[str, Dict[str, Any]]) -> Any:
    """Rows as a table of pyarrow: by the hints where there are some, else by the values."""
    import json

    import pyarrow as pa

    arrays = []
    for name, values in zip(names, zip(*rows)):
        hint = hints.get(name) or {}
        kind = _arrow_type(pa, hint)
        if hint.get("data_type") == "json":
            values = tuple(None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values)
        try:
            arrays.append(pa.array(values, type=kind))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            if kind is None:
                arrays.append(pa.array([None if value is None else str(value) for value in values]))
            else:
                arrays.append(pa.array(values).cast(kind))
    return pa.table(arrays, names=names)


def _arrow_type(pa: Any, hint: Dict[str, Any]) -> Any:
    data_type = hint.get("data_type")
    if data_type == "decimal" and hint.get("precision") and hint.get("scale") is not None:
        precision = hint["precision"]
        return (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, hint["scale"])
    if data_type == "timestamp":
        return pa.timestamp("us", tz="UTC" if hint.get("timezone", True) else None)
    simple = {
        "text": "string",
        "json": "string",
        "bigint": "int64",
        "double": "float64",
        "bool": "bool_",
        "binary": "binary",
        "date": "date32",
    }
    if data_type == "time":
        return pa.time64("us")
    return getattr(pa, simple[data_type])() if data_type in simple else None


def table_rows(table: Table, incremental: Optional[Incremental[Any]] = None, is_deferred: bool = False) -> Iterator[Any]:
    """The rows of a table; where it was not looked at before, an empty list with its hints comes first."""
    hints = None
    if is_deferred:
        hints = table.hints()
        pipe = PIPE.get()
        yield DataItemWithMeta(HintsMeta({**hints, **own_hints(pipe)}), [])
    if table.is_native:
        yield from native_rows(table, incremental)
        return
    options: TableOptions = table.options
    pipe = PIPE.get()
    if incremental is not None and incremental.cursor_path:
        incremental.order_by_growth(pipe)
    loader_class = options.loader_class or get_table_loader_class(options.backend)
    loader = loader_class(
        table.connection.engine(),
        options.backend,
        table.reflected(),
        (hints or table.hints())["columns"],
        chunk_size=options.chunk_size,
        incremental=incremental,
        query_adapter_callback=options.query_adapter,
        limit=pipe.find(LimitItem) if pipe is not None else None,
    )
    if isinstance(loader, TableLoader):
        columns = table.reflected().c
        loader.is_compared_here = is_compared_here(
            table.name, incremental, lambda name: kind_of(columns[name].type) if name in columns else None
        )
    try:
        yield from loader.load_rows(options.backend_kwargs)
    finally:
        table.connection.dispose()


def own_hints(pipe: Any) -> Dict[str, Any]:
    """What was said of a resource itself, which goes before what the database says."""
    from windlass.extract.context import EXTRACTION

    extraction = EXTRACTION.get()
    if extraction is None or pipe is None:
        return {}
    for resource in extraction.source.resources.values():
        if resource._pipe is pipe:
            names = ("primary_key", "merge_key", "write_disposition", "references")
            return {name: resource._hints[name] for name in names if resource._hints.get(name)}
    return {}


__all__ = [
    "BaseTableLoader",
    "ConnectorXTableLoader",
    "TableLoader",
    "engine_from_credentials",
    "get_table_loader_class",
    "register_table_loader_backend",
    "remove_nullability_adapter",
    "table_rows",
]

