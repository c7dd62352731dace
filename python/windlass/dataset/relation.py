"""Relations: the rows of a table or a query, lazily."""

import copy
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from windlass.common.exceptions import choices
from windlass.dataset.cursor import Cursor, open_cursor
from windlass.dataset.sql import qualified, quote, typed_literal

_OPERATORS = {
    "eq": "=",
    "ne": "<>",
    "gt": ">",
    "lt": "<",
    "gte": ">=",
    "lte": "<=",
    "in": "IN",
    "not_in": "NOT IN",
}

_JOINS = ("inner", "left", "right", "full")


class Relation:
    """Rows that are not read yet. Every method gives a new relation."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._table: Optional[str] = None
        self._alias = ""
        self._source = ""
        #: Name and expression of the columns; `None` if the query alone knows them.
        self._columns: Optional[List[Tuple[str, str]]] = None
        self._types: Dict[str, Any] = {}
        self._where: List[str] = []
        self._joins: List[str] = []
        self._order: List[str] = []
        self._limit: Optional[int] = None
        self._missing: List[str] = []
        self._cursor: Any = None

    @classmethod
    def of_table(cls, dataset: Any, table: str) -> "Relation":
        """The rows of a table."""
        relation = cls(dataset)
        relation._table = relation._alias = table
        relation._source = f"{qualified(dataset, table)} AS {quote(table)}"
        columns = dataset.columns_of(table)
        relation._columns = [(name, f"{quote(table)}.{quote(name)}") for name in columns]
        relation._types = dict(columns)
        return relation

    @classmethod
    def of_query(cls, dataset: Any, query: str) -> "Relation":
        """The rows of a query."""
        relation = cls(dataset)
        relation._alias = "query"
        relation._source = query.strip().rstrip(";")
        return relation

    def _copy(self) -> "Relation":
        fresh = copy.copy(self)
        for name in ("_where", "_joins", "_order", "_missing"):
            setattr(fresh, name, list(getattr(self, name)))
        fresh._types = dict(self._types)
        return fresh

    # -- what it is

    @property
    def columns(self) -> List[str]:
        """The names of the columns."""
        if self._columns is not None:
            return [name for name, _ in self._columns]
        with open_cursor(self._dataset._engine, f"SELECT * FROM ({self.to_sql()}) AS q LIMIT 0") as cursor:
            return cursor.columns

    @property
    def columns_schema(self) -> Dict[str, Any]:
        """The columns with their types."""
        if self._columns is None:
            with open_cursor(self._dataset._engine, f"SELECT * FROM ({self.to_sql()}) AS q LIMIT 0") as cursor:
                found = columns_of_arrow(cursor.arrow().schema)
            # What a table's column is called keeps what the schema says of it.
            known = {name: self._dataset.columns_of(table)[name] for table in self._dataset.tables for name in self._dataset.columns_of(table)}
            for name, column in found.items():
                if name in known and known[name].get("data_type") == column.get("data_type"):
                    found[name] = known[name]
            return found
        return {name: self._types.get(name, {"name": name}) for name in self.columns}

    @property
    def schema(self) -> Dict[str, Any]:
        """The rows as a table of a schema."""
        return {"columns": self.columns_schema}

    @property
    def query_dialect(self) -> str:
        """The dialect of its SQL."""
        return str(self._dataset.destination_dialect)

    destination_dialect = query_dialect

    @property
    def is_incremental(self) -> bool:
        """Whether a cursor limits the rows."""
        return self._cursor is not None

    @property
    def sql_client(self) -> Any:
        """A client that executes SQL."""
        return self._dataset.sql_client

    def to_sql(self, pretty: bool = False, *, _raw_query: bool = False) -> str:
        """The query."""
        if self._missing:
            from windlass.dataset.exceptions import LineageFailedException

            raise LineageFailedException(
                msg=f"the relation has no column {', '.join(self._missing)}: {choices(self._missing[0], list(self._types))}"
            )
        if self._columns is None:
            if not (self._where or self._order or self._limit is not None):
                return self._source
            select, source = "*", f"({self._source}) AS {quote(self._alias)}"
        else:
            select = ", ".join(f"{expression} AS {quote(name)}" for name, expression in self._columns)
            source = self._source
        parts = [f"SELECT {select} FROM {source}", *self._joins]
        if self._where:
            parts.append("WHERE " + " AND ".join(f"({condition})" if " or " in condition.lower() else condition for condition in self._where))
        if self._order:
            parts.append("ORDER BY " + ", ".join(self._order))
        if self._limit is not None:
            parts.append(f"LIMIT {self._limit}")
        return ("\n" if pretty else " ").join(parts)

    def __str__(self) -> str:
        return self.to_sql(pretty=True)

    def _repr_html_(self) -> Optional[str]:
        from windlass.helpers.notebook import relation_html

        return relation_html(self)

    def __repr__(self) -> str:
        return f"<dlt.Relation(dataset='{self._dataset._given_name}', table={self._table!r})>"

    # -- other relations

    def _expression(self, name: str) -> str:
        for known, expression in self._columns or []:
            if known == name:
                return expression
        if self._table is not None and name in self._types:
            return f"{quote(self._table)}.{quote(name)}"
        return quote(name)

    def select(self, *columns: str) -> "Relation":
        """Some of the columns."""
        fresh = self._copy()
        names = [name for given in columns for name in ([given] if isinstance(given, str) else given)]
        if self._columns is None:
            inner = self._source if not self._where and self._limit is None else self.to_sql()
            fresh = Relation.of_query(self._dataset, inner)
            fresh._source = f"({inner}) AS {quote('query')}"
            fresh._columns = [(name, quote(name)) for name in names]
            return fresh
        known = {name for name, _ in self._columns}
        fresh._missing += [name for name in names if name not in known]
        fresh._columns = [(name, self._expression(name)) for name in names]
        return fresh

    def __getitem__(self, columns: Any) -> "Relation":
        if isinstance(columns, str):
            return self.select(columns)
        if isinstance(columns, Sequence):
            return self.select(*columns)
        raise TypeError(f"a relation takes the name of a column or several, not `{type(columns).__name__}`")

    def limit(self, limit: int) -> "Relation":
        """The first rows."""
        fresh = self._copy()
        fresh._limit = limit if self._limit is None else min(limit, self._limit)
        return fresh

    def head(self, limit: int = 5) -> "Relation":
        """The first rows, five by default."""
        return self.limit(limit)

    def order_by(self, column_name: str, direction: str = "asc") -> "Relation":
        """The rows in order."""
        if direction.lower() not in ("asc", "desc"):
            raise ValueError(f"`{direction}` is an invalid sort order, allowed values are: `asc` and `desc`")
        fresh = self._copy()
        fresh._order.append(f"{self._expression(column_name)} {direction.upper()}")
        return fresh

    def where(self, column_or_expr: Any, operator: Any = None, value: Any = None) -> "Relation":
        """The rows that meet a condition."""
        fresh = self._copy()
        if operator is None:
            text = column_or_expr if isinstance(column_or_expr, str) else column_or_expr.sql(dialect=self.query_dialect)
            fresh._where.append(text)
            return fresh
        left = self._expression(column_or_expr)
        if callable(operator):
            # A class of sqlglot: `sge.Like`.
            parse = sqlglot_of("where() with a function as operator").parse_one
            data_type = self._types.get(column_or_expr, {}).get("data_type")
            sides = [parse(text, read=self.query_dialect) for text in (left, typed_literal(value, data_type))]
            fresh._where.append(operator(this=sides[0], expression=sides[1]).sql(dialect=self.query_dialect))
            return fresh
        if operator not in _OPERATORS:
            raise ValueError(f"`{operator}` is none of {', '.join(_OPERATORS)}")
        data_type = self._types.get(column_or_expr, {}).get("data_type")
        if operator in ("in", "not_in"):
            values = [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else list(value)
            right = "(" + ", ".join(typed_literal(one, data_type) for one in values) + ")"
        else:
            right = typed_literal(value, data_type)
        fresh._where.append(f"{left} {_OPERATORS[operator]} {right}")
        return fresh

    filter = where

    def _aggregate(self, function: str) -> "Relation":
        if self._columns is None or len(self._columns) != 1:
            raise ValueError(f"{function.lower()}() needs a relation with one column: select() it first")
        name, expression = self._columns[0]
        fresh = self._copy()
        fresh._columns = [(name, f"{function}({expression})")]
        fresh._order = []
        return fresh

    def max(self) -> "Relation":
        """The greatest value of the one column."""
        return self._aggregate("MAX")

    def min(self) -> "Relation":
        """The smallest value of the one column."""
        return self._aggregate("MIN")

    def join(self, other: Any, on: Any = None, *, kind: str = "inner", alias: Optional[str] = None) -> "Relation":
        """The rows with those of another table; without `on` the way between them is known from the schema."""
        if kind not in _JOINS:
            raise ValueError(f"`{kind}` is none of {', '.join(_JOINS)}")
        relation = other if isinstance(other, Relation) else self._dataset.table(other)
        if relation._table is None or self._table is None or relation._joins or relation._where:
            raise NotImplementedError("windlass joins tables: filter after the join")
        right = alias or relation._table
        condition = on if isinstance(on, str) else on.sql() if on is not None else self._path(relation._table, right)
        fresh = self._copy()
        fresh._joins.append(
            f"{kind.upper()} JOIN {qualified(relation._dataset, relation._table)} AS {quote(right)} ON {condition}"
        )
        assert fresh._columns is not None
        fresh._columns = list(fresh._columns)
        for name in relation.columns:
            fresh._columns.append((f"{right}__{name}", f"{quote(right)}.{quote(name)}"))
            fresh._types[f"{right}__{name}"] = relation._types.get(name, {})
        return fresh

    def _path(self, other: str, alias: str) -> str:
        """The condition that joins this table to another."""
        left = self._table or ""
        for child, parent, child_name, parent_name in (
            (left, other, quote(left), quote(alias)),
            (other, left, quote(alias), quote(left)),
        ):
            table = self._dataset.table_of(child)
            if table.get("parent") == parent:
                return f'{child_name}."_dlt_parent_id" = {parent_name}."_dlt_id"'
            if parent == "_dlt_loads":
                return f'{child_name}."_dlt_load_id" = {parent_name}."load_id"'
            for reference in table.get("references") or []:
                if reference["referenced_table"] == parent:
                    pairs = zip(reference["columns"], reference["referenced_columns"])
                    return " AND ".join(
                        f"{child_name}.{quote(mine)} = {parent_name}.{quote(theirs)}" for mine, theirs in pairs
                    )
        if "_dlt_root_id" in self._dataset.columns_of(other):
            return f'{quote(alias)}."_dlt_root_id" = {quote(left)}."_dlt_id"'
        raise ValueError(f"the schema knows no way between `{left}` and `{other}`: give the condition as `on`")

    def from_loads(self, load_ids: Any, add_load_id_column: bool = False) -> "Relation":
        """The rows of some loads."""
        ids = [load_ids] if isinstance(load_ids, str) else list(load_ids)
        fresh, expression = self._with_root()
        fresh._where.append(f"{expression} IN ({', '.join(typed_literal(one, 'text') for one in ids)})")
        if add_load_id_column and "_dlt_load_id" not in fresh.columns:
            assert fresh._columns is not None
            fresh._columns = [*fresh._columns, ("_dlt_load_id", expression)]
        return fresh

    def with_load_id_col(self) -> "Relation":
        """The rows with the id of their load."""
        fresh, expression = self._with_root()
        if "_dlt_load_id" not in fresh.columns:
            assert fresh._columns is not None
            fresh._columns = [*fresh._columns, ("_dlt_load_id", expression)]
        return fresh

    def _with_root(self) -> Tuple["Relation", str]:
        """The relation joined to its root table, and where the id of the load is."""
        fresh = self._copy()
        table = self._table or ""
        while "_dlt_load_id" not in self._dataset.columns_of(table):
            parent = self._dataset.table_of(table).get("parent")
            if not parent:
                raise ValueError(f"the table `{table}` has no id of a load")
            fresh._joins.append(
                f'INNER JOIN {qualified(self._dataset, parent)} AS {quote(parent)} ON {quote(table)}."_dlt_parent_id" = '
                f'{quote(parent)}."_dlt_id"'
            )
            table = parent
        return fresh, f'{quote(table)}."_dlt_load_id"'

    def incremental(self, incremental: Any, *, advance: bool = True) -> "Relation":
        """The rows of the range of a cursor."""
        column = incremental.get_cursor_column_name()
        if column is None:
            raise ValueError(f"the cursor `{incremental.cursor_path}` is not a column")
        fresh = self._copy()
        fresh._cursor = incremental
        start = incremental.initial_value
        if incremental._cursor is not None:
            start = incremental.start_value
        if start is not None:
            fresh = fresh.where(column, "gte" if incremental.range_start == "closed" else "gt", start)
        if incremental.end_value is not None:
            fresh = fresh.where(column, "lt" if incremental.range_end == "open" else "lte", incremental.end_value)
        fresh._cursor = incremental
        return fresh

    # -- reading

    def _cursor_of_rows(self) -> Cursor:
        return open_cursor(self._dataset._engine, self.to_sql())

    def arrow(self, chunk_size: Optional[int] = None) -> Any:
        """The rows as a table of pyarrow; with `chunk_size` the first ones, `None` if there are none."""
        with self._cursor_of_rows() as cursor:
            return cursor.arrow(chunk_size)

    def df(self, chunk_size: Optional[int] = None) -> Any:
        """The rows as a frame of pandas; with `chunk_size` the first ones, `None` if there are none."""
        with self._cursor_of_rows() as cursor:
            return cursor.df(chunk_size)

    def fetchall(self) -> List[Tuple[Any, ...]]:
        """All rows."""
        with self._cursor_of_rows() as cursor:
            return cursor.fetchall()

    def fetchmany(self, chunk_size: int = 1) -> List[Tuple[Any, ...]]:
        """The first rows."""
        with self._cursor_of_rows() as cursor:
            return cursor.fetchmany(chunk_size)

    def fetchone(self) -> Optional[Tuple[Any, ...]]:
        """The first row; `None` if there is none."""
        with self._cursor_of_rows() as cursor:
            return cursor.fetchone()

    def fetchscalar(self) -> Any:
        """The one value of the one row; `None` if there is no row."""
        rows = self.fetchmany(2)
        if len(rows) > 1:
            raise ValueError("Expected scalar result (single row, single column), got more than one row")
        if rows and len(rows[0]) != 1:
            raise ValueError("Expected scalar result (single row, single column), got more than one column")
        return rows[0][0] if rows else None

    def iter_arrow(self, chunk_size: int = 10_000) -> Iterator[Any]:
        """The rows as tables of pyarrow, one chunk after the other; the query runs on as they are taken."""
        with self._cursor_of_rows() as cursor:
            yield from cursor.iter_arrow(chunk_size)

    def iter_df(self, chunk_size: int = 10_000) -> Iterator[Any]:
        """The rows as frames of pandas, one chunk after the other; the query runs on as they are taken."""
        with self._cursor_of_rows() as cursor:
            yield from cursor.iter_df(chunk_size)

    def iter_fetch(self, chunk_size: int = 1000) -> Iterator[List[Tuple[Any, ...]]]:
        """The rows in lists, one chunk after the other; the query runs on as they are taken."""
        with self._cursor_of_rows() as cursor:
            yield from cursor.iter_fetch(chunk_size)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        with self._cursor_of_rows() as cursor:
            return cursor.columns_left().__arrow_c_stream__(requested_schema)

    @property
    def sqlglot_expression(self) -> Any:
        """The query as sqlglot has it."""
        return sqlglot_of("sqlglot_expression").parse_one(self.to_sql(), read=self.query_dialect)

    def to_model(self) -> Any:
        """The query as rows of another table of the same database."""
        raise NotImplementedError(
            "windlass has no models (yet): yield the rows of the relation from a resource, such as `yield from r.iter_arrow()`"
        )

    def to_ibis(self) -> Any:
        """The rows as a table of ibis."""
        return self._dataset.ibis(read_only=True).sql(self.to_sql())


def columns_of_arrow(schema: Any) -> Dict[str, Any]:
    """Columns of Arrow as those of a schema."""
    found: Dict[str, Any] = {}
    for field in schema:
        column = {"name": field.name}
        data_type = _data_type(str(field.type))
        if data_type is not None:
            column["data_type"] = data_type
        found[field.name] = column
    return found


def _data_type(arrow: str) -> Optional[str]:
    for start, data_type in (
        ("int", "bigint"),
        ("uint", "bigint"),
        ("bool", "bool"),
        ("float", "double"),
        ("double", "double"),
        ("halffloat", "double"),
        ("decimal", "decimal"),
        ("timestamp", "timestamp"),
        ("date", "date"),
        ("time", "time"),
        ("string", "text"),
        ("large_string", "text"),
        ("binary", "binary"),
        ("large_binary", "binary"),
        ("fixed_size_binary", "binary"),
        ("list", "json"),
        ("large_list", "json"),
        ("struct", "json"),
        ("map", "json"),
    ):
        if arrow.startswith(start):
            return data_type
    return None


def sqlglot_of(what: str) -> Any:
    """sqlglot, which few need."""
    try:
        import sqlglot  # type: ignore[import-not-found]
    except ImportError as cause:
        from windlass.common.exceptions import MissingDependencyException

        raise MissingDependencyException(what, ["sqlglot"], msg=f"{what} needs sqlglot: pip install sqlglot") from cause
    return sqlglot
