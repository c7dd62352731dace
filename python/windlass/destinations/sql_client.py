"""A client that executes SQL on loaded data."""

import contextlib
from typing import Any, Iterator, List, Optional, Tuple

from windlass.dataset.cursor import Cursor, open_cursor
from windlass.dataset.sql import literal, quote


class SqlClient:
    """Executes SQL; the tables of the dataset need no dataset before their name.

    That of a pipeline may write, that of a dataset only reads.
    """

    def __init__(self, engine: Any, pipeline: Any, may_write: bool = False) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._may_write = may_write

    @property
    def dataset_name(self) -> str:
        """The name of the dataset."""
        return str(self._engine.dataset_name())

    def fully_qualified_dataset_name(self, *_: Any, **__: Any) -> str:
        """The name of the dataset in quotes."""
        return quote(self.dataset_name)

    def make_qualified_table_name(self, table_name: str, **_: Any) -> str:
        """A table with its dataset."""
        return f"{quote(self.dataset_name)}.{quote(table_name)}"

    def escape_column_name(self, column_name: str, **_: Any) -> str:
        """A column in quotes."""
        return quote(column_name)

    @contextlib.contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Cursor]:
        """The rows of a query."""
        with open_cursor(self._engine, _with_parameters(str(query), args, kwargs), self._may_write) as cursor:
            yield cursor

    def execute_sql(self, sql: Any, *args: Any, **kwargs: Any) -> Optional[List[Tuple[Any, ...]]]:
        """The rows of a statement."""
        with self.execute_query(sql, *args, **kwargs) as cursor:
            return cursor.fetchall()

    def has_dataset(self) -> bool:
        """Whether the dataset exists."""
        return bool(self._engine.stored()[0])

    def __enter__(self) -> "SqlClient":
        return self

    def __exit__(self, *_: Any) -> None:
        """Connections are opened for each query, so that nothing is left."""

    def __getattr__(self, name: str) -> Any:
        if name in ("execute_many", "begin_transaction", "create_dataset", "drop_dataset", "drop_tables", "truncate_tables"):
            raise NotImplementedError(
                f"sql_client has no `{name}`: use execute_sql, one statement at a time, or the database's own client"
            )
        raise AttributeError(name)


def _with_parameters(sql: str, args: Any, kwargs: Any) -> str:
    """The statement with its parameters in place."""
    if kwargs:
        for name, value in kwargs.items():
            sql = sql.replace(f"%({name})s", literal(value))
    if not args:
        return sql
    parts = sql.split("%s") if "%s" in sql else sql.split("?")
    if len(parts) != len(args) + 1:
        raise ValueError(f"{len(parts) - 1} parameters stand in the statement, {len(args)} were given")
    out = parts[0]
    for value, rest in zip(args, parts[1:]):
        out += literal(value) + rest
    return out
