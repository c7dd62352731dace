"""Loaded data as a connection of ibis."""

from typing import Any

from windlass.common.exceptions import MissingDependencyException
from windlass.dataset.cursor import open_cursor
from windlass.dataset.sql import quote


def connection_of(dataset: Any, read_only: bool = False) -> Any:
    """A connection of ibis to a dataset, whose tables need no dataset before their names."""
    kind = dataset._destination.kind if dataset._destination is not None else ""
    makers = {"duckdb": _duckdb, "filesystem": _filesystem, "postgres": _postgres}
    if kind not in makers:
        raise NotImplementedError(
            f"windlass hands over to ibis from {', '.join(makers)}, not from `{kind}` (yet): read the table by arrow()"
        )
    return makers[kind](dataset, read_only)


def _ibis(backend: str) -> Any:
    try:
        import ibis  # type: ignore[import-not-found]

        return getattr(ibis, backend)
    except (ImportError, AttributeError) as cause:
        raise MissingDependencyException(
            "dataset.ibis()",
            [f"ibis-framework[{backend}]"],
            msg=f"dataset.ibis() needs ibis with {backend}: pip install 'ibis-framework[{backend}]'",
        ) from cause


def _duckdb(dataset: Any, _: bool) -> Any:
    # Whoever writes holds the file alone: loads of the same process could not begin while the connection is open.
    connection = _ibis("duckdb").connect(str(dataset._engine.location), read_only=True)
    connection.raw_sql(f"USE {quote(dataset.dataset_name)}")
    return connection


def _filesystem(dataset: Any, _: bool) -> Any:
    """A database in memory with the views that the engine reads the files by."""
    with open_cursor(dataset._engine, "SELECT sql FROM duckdb_views() WHERE NOT internal") as cursor:
        views = [sql for (sql,) in cursor.fetchall()]
    connection = _ibis("duckdb").connect()
    name = quote(dataset.dataset_name)
    connection.raw_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
    connection.raw_sql(f"USE {name}")
    for view in views:
        connection.raw_sql(view)
    return connection


def _postgres(dataset: Any, _: bool) -> Any:
    credentials = dataset._destination.engine_options("").get("credentials")
    backend = _ibis("postgres")
    if isinstance(credentials, str):
        connection = backend.from_url(credentials)
    else:
        names = {"username": "user"}
        known = ("database", "username", "password", "host", "port")
        connection = backend.connect(**{names.get(name, name): credentials[name] for name in known if name in credentials})
    connection.raw_sql(f"SET search_path TO {quote(dataset.dataset_name)}").close()
    return connection
