"""Tables of SQL databases: `sql_database` and `sql_table`. They are read by the engine, without SQLAlchemy unless
callbacks, engines or other databases need it."""

import fnmatch
import json
import warnings
from typing import Any, Callable, Dict, List, Optional, Type

from windlass._native import native
from windlass.common.configuration.accessors import config, secrets
from windlass.common.configuration.inject import inject
from windlass.common.configuration.resolve import lookup
from windlass.common.exceptions import choices
from windlass.extract.decorators import source
from windlass.extract.hints import make_hints
from windlass.extract.incremental import Incremental
from windlass.extract.resource import DltResource
from windlass.sources.sql_database.connection import Connection, engine_from_credentials, sqlalchemy
from windlass.sources.sql_database.helpers import (
    BaseTableLoader,
    ReflectionLevel,
    TableBackend,
    TableLoader,
    TQueryAdapter,
    TTableAdapter,
    TTypeAdapter,
    get_table_loader_class,
    register_table_loader_backend,
    registered_loader,
    remove_nullability_adapter,
    table_rows,
)
from windlass.sources.sql_database.plan import Table, TableOptions

_SECTION = "sql_database"


@source
def sql_database(
    credentials: Any = secrets.value,
    schema: Optional[str] = config.value,
    metadata: Any = None,
    table_names: Optional[List[str]] = config.value,
    chunk_size: int = 50000,
    backend: str = "sqlalchemy",
    detect_precision_hints: Optional[bool] = False,
    reflection_level: Optional[str] = "full",
    defer_table_reflect: Optional[bool] = None,
    table_adapter_callback: Optional[Callable[..., Any]] = None,
    backend_kwargs: Optional[Dict[str, Any]] = None,
    include_views: bool = False,
    type_adapter_callback: Optional[Callable[..., Any]] = None,
    query_adapter_callback: Optional[Callable[..., Any]] = None,
    resolve_foreign_keys: bool = False,
    engine_adapter_callback: Optional[Callable[..., Any]] = None,
    engine_kwargs: Optional[Dict[str, Any]] = None,
    table_loader_class: Optional[Type[BaseTableLoader]] = None,
) -> Any:
    """A source with a resource for each table of a database, or for those that are named.

    A name may be a pattern such as `sales_*`. Settings of one table stand in `[sources.sql_database.<table>]`.
    """
    _warn_precision(detect_precision_hints)
    connection = Connection(credentials, engine_kwargs, engine_adapter_callback)
    if defer_table_reflect and not table_names:
        raise ValueError("defer_table_reflect needs table_names: the tables are not looked at before they are read")
    given = {
        "schema": schema,
        "metadata": metadata,
        "chunk_size": chunk_size,
        "backend": backend,
        "detect_precision_hints": detect_precision_hints or None,
        "reflection_level": reflection_level,
        "defer_table_reflect": defer_table_reflect,
        "table_adapter_callback": table_adapter_callback,
        "backend_kwargs": backend_kwargs,
        "type_adapter_callback": type_adapter_callback,
        "query_adapter_callback": query_adapter_callback,
        "resolve_foreign_keys": resolve_foreign_keys,
        "engine_adapter_callback": engine_adapter_callback,
        "engine_kwargs": engine_kwargs,
        "table_loader_class": table_loader_class,
    }
    # What is as it always is leaves room for the settings of a table.
    defaults = {"chunk_size": 50000, "backend": "sqlalchemy", "reflection_level": "full", "resolve_foreign_keys": False}
    given = {
        name: value for name, value in given.items() if value is not None and defaults.get(name, _ABSENT) != value
    }
    if reflection_level is None:
        given["reflection_level"] = "minimal"
    if defer_table_reflect:
        names = list(table_names or ())
    else:
        names = _tables(connection, schema, metadata, table_names, include_views)
    for name in names:
        yield sql_table(credentials=credentials, table=name, **given)


_ABSENT = object()


def _tables(
    connection: Connection,
    schema: Optional[str],
    metadata: Any,
    names: Optional[List[str]],
    include_views: bool,
) -> List[str]:
    """The tables that are meant, patterns expanded. Raises for a name that is none."""
    if metadata is not None and metadata.tables:
        relations = [(table.name, False) for table in metadata.sorted_tables]
    elif connection.native is not None and connection._adapter is None:
        relations = [tuple(pair) for pair in json.loads(native().sql_relations(connection.native, schema))]  # type: ignore[misc]
    else:
        inspector = sqlalchemy().inspect(connection.engine())
        relations = [(name, False) for name in inspector.get_table_names(schema=schema)]
        relations += [(name, True) for name in inspector.get_view_names(schema=schema)]
    if names is None:
        return [name for name, is_view in relations if include_views or not is_view]
    known = [name for name, _ in relations]
    found: List[str] = []
    for name in names:
        if name in known:
            matches = [name]
        elif any(sign in name for sign in "*?["):
            matches = [
                one for one, is_view in relations if (include_views or not is_view) and fnmatch.fnmatchcase(one, name)
            ]
        else:
            matches = []
        if not matches:
            from windlass.sources.sql_database.plan import _no_table

            location = native().sql_location(connection.native) if connection.native else "the database"
            raise _no_table(name, schema, location, known)
        found += [one for one in matches if one not in found]
    return found


def _sql_table(
    credentials: Any = secrets.value,
    table: str = config.value,
    schema: Optional[str] = config.value,
    metadata: Any = None,
    incremental: Optional[Incremental[Any]] = None,
    chunk_size: int = 50000,
    backend: str = "sqlalchemy",
    detect_precision_hints: Optional[bool] = None,
    reflection_level: Optional[str] = "full",
    defer_table_reflect: Optional[bool] = None,
    table_adapter_callback: Optional[Callable[..., Any]] = None,
    backend_kwargs: Optional[Dict[str, Any]] = None,
    type_adapter_callback: Optional[Callable[..., Any]] = None,
    included_columns: Optional[List[str]] = None,
    excluded_columns: Optional[List[str]] = None,
    query_adapter_callback: Optional[Callable[..., Any]] = None,
    resolve_foreign_keys: bool = False,
    engine_adapter_callback: Optional[Callable[..., Any]] = None,
    write_disposition: Any = "append",
    primary_key: Any = None,
    merge_key: Any = None,
    engine_kwargs: Optional[Dict[str, Any]] = None,
    table_loader_class: Optional[Type[BaseTableLoader]] = None,
) -> DltResource:
    _warn_precision(detect_precision_hints)
    level = "full_with_precision" if detect_precision_hints else reflection_level or "minimal"
    if level not in ("minimal", "full", "full_with_precision"):
        known = ["minimal", "full", "full_with_precision"]
        raise ValueError(f"there is no reflection level `{level}`: {choices(level, known)}")
    get_table_loader_class(backend)
    options = TableOptions(
        chunk_size=chunk_size,
        backend=backend,
        reflection_level=level,
        table_adapter=table_adapter_callback,
        type_adapter=type_adapter_callback,
        query_adapter=query_adapter_callback,
        resolve_foreign_keys=resolve_foreign_keys,
        included_columns=included_columns,
        excluded_columns=excluded_columns,
        backend_kwargs=backend_kwargs,
        loader_class=table_loader_class or registered_loader(backend),
    )
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}: a chunk has at least one row")
    connection = Connection(credentials, engine_kwargs, engine_adapter_callback)
    planned = Table(connection, table, schema, metadata, options)
    if isinstance(primary_key, str):
        # The form in which the database gives it, so that rows are digested alike.
        primary_key = [primary_key]
    hints: Dict[str, Any] = {"write_disposition": write_disposition, "primary_key": primary_key, "merge_key": merge_key}
    if not defer_table_reflect:
        reflected = planned.hints()
        if primary_key is None:
            hints["primary_key"] = reflected["primary_key"]
        hints["columns"] = reflected["columns"]
        hints["references"] = reflected.get("references")
    resource = DltResource.from_data(table_rows, table, _SECTION, make_hints(**hints))
    resource.has_typed_rows = True
    resource.bind(planned, incremental=_configured(incremental, table), is_deferred=bool(defer_table_reflect))
    return resource


def _configured(incremental: Optional[Incremental[Any]], table: str) -> Optional[Incremental[Any]]:
    """The cursor that was given, or that the settings of the table name."""
    if incremental is not None:
        return incremental
    sections = ("sources", _SECTION, table)
    path, _ = lookup("cursor_path", sections, embedded=("incremental",))
    return None if path is None else Incremental(path)


def sql_table(*args: Any, **kwargs: Any) -> DltResource:
    """A resource that reads a table or a view of a database."""
    table = args[1] if len(args) > 1 else kwargs.get("table")
    sections = ("sources", _SECTION, table) if isinstance(table, str) else ("sources", _SECTION)
    bound = inject(_sql_table, args, kwargs, sections, skip=["incremental"])
    return _sql_table(*bound.args, **bound.kwargs)


sql_table.__wrapped__ = _sql_table  # type: ignore[attr-defined]


def _warn_precision(value: Optional[bool]) -> None:
    if value:
        warnings.warn(
            "detect_precision_hints is deprecated: use reflection_level='full_with_precision'",
            DeprecationWarning,
            stacklevel=3,
        )


__all__ = [
    "BaseTableLoader",
    "ReflectionLevel",
    "TQueryAdapter",
    "TTableAdapter",
    "TTypeAdapter",
    "TableBackend",
    "TableLoader",
    "engine_from_credentials",
    "get_table_loader_class",
    "register_table_loader_backend",
    "remove_nullability_adapter",
    "sql_database",
    "sql_table",
]
