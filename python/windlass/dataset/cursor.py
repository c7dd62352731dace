"""The rows of a query that is under way: taken from the engine a piece at a time."""

from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Tuple, Type

from windlass._native import native
from windlass.destinations.exceptions import DatabaseTransientException, DatabaseUndefinedRelation

#: What databases say of a table or column that is not there.
_UNDEFINED = ("Catalog Error", "does not exist", "no such table", "no such column")


class Cursor:
    """The rows of a query that were not taken yet."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._is_at_end = False
        self._is_closed = False
        self._names: List[str] = reader.columns()

    @property
    def description(self) -> List[Tuple[Any, ...]]:
        """The columns, as Python's database interface has them."""
        return [(name, None, None, None, None, None, None) for name in self._names]

    @property
    def columns(self) -> List[str]:
        """The names of the columns."""
        return list(self._names)

    @property
    def columns_schema(self) -> Dict[str, Any]:
        """The columns; a query that was sent as it is knows no more than their names."""
        return {name: {"name": name} for name in self._names}

    @property
    def native_cursor(self) -> Any:
        """The cursor of the engine."""
        return self._reader

    def fetchall(self) -> List[Tuple[Any, ...]]:
        """The rows that are left."""
        return self._fetch(None)

    def fetchmany(self, size: int = 1) -> List[Tuple[Any, ...]]:
        """Some of the rows that are left; none at the end."""
        return self._fetch(_checked(size))

    def fetchone(self) -> Optional[Tuple[Any, ...]]:
        """The next row; `None` at the end."""
        return next(iter(self._fetch(1)), None)

    def _fetch(self, count: Optional[int]) -> List[Tuple[Any, ...]]:
        self._check()
        with translated():
            rows = self._reader.fetch(count)
        self._is_at_end = count is None or len(rows) < count
        return rows  # type: ignore[no-any-return]

    def columns_left(self, count: Optional[int] = None) -> Any:
        """The next rows as an object with `__arrow_c_stream__`; its buffers are the engine's own."""
        self._check()
        with translated():
            table = self._reader.table(count)
        self._is_at_end = count is None or table.num_rows < count
        return table

    def arrow(self, chunk_size: Optional[int] = None, **_: Any) -> Any:
        """The rows that are left, or the next ones, as a table of pyarrow; `None` at the end."""
        import pyarrow as pa

        # A query without rows has columns all the same.
        may_be_empty = chunk_size is None and not self._reader.is_started
        table = pa.table(self.columns_left(None if chunk_size is None else _checked(chunk_size)))
        return table if table.num_rows or may_be_empty else None

    def df(self, chunk_size: Optional[int] = None, **options: Any) -> Any:
        """The rows that are left, or the next ones, as a frame of pandas; `None` at the end."""
        table = self.arrow(chunk_size)
        return None if table is None else table.to_pandas(**options)

    def iter_fetch(self, chunk_size: int = 1000) -> Iterator[List[Tuple[Any, ...]]]:
        """The rows in lists."""
        _at_least_one(chunk_size)
        while rows := self.fetchmany(chunk_size):
            yield rows

    def iter_arrow(self, chunk_size: int = 10_000) -> Iterator[Any]:
        """The rows as tables of pyarrow."""
        _at_least_one(chunk_size)
        while (table := self.arrow(chunk_size)) is not None:
            yield table

    def iter_df(self, chunk_size: int = 10_000) -> Iterator[Any]:
        """The rows as frames of pandas."""
        _at_least_one(chunk_size)
        while (frame := self.df(chunk_size)) is not None:
            yield frame

    def __iter__(self) -> Iterator[Tuple[Any, ...]]:
        for rows in self.iter_fetch():
            yield from rows

    def close(self) -> None:
        """Gives the rest up."""
        self._is_closed = True
        self._reader.close()

    def _check(self) -> None:
        if self._is_closed and not self._is_at_end:
            raise DatabaseTransientException(
                None, msg="the cursor is closed and its last rows were given up: take them inside the `with`"
            )

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def open_cursor(engine: Any, sql: str, may_write: bool = False) -> Cursor:
    """Runs a query; its rows wait to be taken. Nothing is written unless `may_write`."""
    with translated():
        return Cursor(engine.execute(sql) if may_write else engine.stream(sql))


class translated:  # noqa: N801 (used as a function)
    """Errors of the engine under the reference's names."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: Optional[Type[BaseException]], cause: Optional[BaseException], _: Optional[TracebackType]
    ) -> None:
        if isinstance(cause, native().EngineError) and cause.kind == "destination":
            text = str(cause)
            is_undefined = cause.code == "undefined_relation" or any(piece in str(cause.args[0]) for piece in _UNDEFINED)
            error = DatabaseUndefinedRelation if is_undefined else DatabaseTransientException
            raise error(cause, msg=text) from cause


def _checked(count: int) -> int:
    if count < 0:
        raise ValueError(f"{count} is no number of rows")
    return count


def _at_least_one(chunk_size: int) -> None:
    if chunk_size < 1:
        raise ValueError(f"a chunk has at least one row, not {chunk_size}")
