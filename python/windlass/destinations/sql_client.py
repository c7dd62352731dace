"""A client that executes SQL on loaded data."""

import contextlib
from typing import Any, Iterator, List, Optional, Tuple

from windlass.dataset.sql import literal, quote


class Cursor:
    """The rows of a query."""

    def __init__(self, columns: List[str], rows: List[Tuple[Any, ...]], table: Any) -> None:
        self.columns_list = columns
        self._rows = rows
        self._at = 0
        self._table = table

    @property
    def description(self) -> List[Tuple[Any, ...]]:
        """The columns, as Python's database interface has them."""
        return [(name, None, None, None, None, None, None) for name in self.columns_list]

    @property
    def columns(self) -> List[str]:
        """The names of the columns."""
        return self.columns_list

    def fetchall(self) -> List[Tuple[Any, ...]]:
        """The rows that are left."""
        rows, self._at = self._rows[self._at :], len(self._rows)
        return rows

    def fetchmany(self, size: int = 1) -> List[Tuple[Any, ...]]:
        """Some of the rows that are left."""
        rows = self._rows[self._at : self._at + size]
        self._at += len(rows)
        return rows

    def fetchone(self) -> Optional[Tuple[Any, ...]]:
        """The next row."""
        return next(iter(self.fetchmany(1)), None)

    def arrow(self, *_: Any, **__: Any) -> Any:
        """The rows as a table of pyarrow."""
        import pyarrow as pa

        return pa.table(self._table())

    def df(self, *_: Any, **__: Any) -> Any:
        """The rows as a frame of pandas."""
        return self.arrow().to_pandas()

    def iter_fetch(self, chunk_size: int = 1000) -> Iterator[List[Tuple[Any, ...]]]:
        """The rows in lists."""
        while True:
            rows = self.fetchmany(chunk_size)
            if not rows:
                return
            yield rows


class SqlClient:
    """Executes SQL; the tables of the dataset need no dataset before their name."""

    def __init__(self, engine: Any, pipeline: Any) -> None:
        self._engine = engine
        self._pipeline = pipeline

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
        sql = _with_parameters(str(query), args, kwargs)
        columns, rows = self._engine.query_rows(sql)
        yield Cursor(columns, rows, lambda: self._engine.query(sql))

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
                f"windlass reads through sql_client; `{name}` writes, which only a load does: use the database's own client"
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
