"""Reading loaded data back: datasets and relations."""

from typing import Any, Dict, List, Optional, Sequence

from windlass.common.exceptions import nearest_first
from windlass.dataset.cursor import open_cursor
from windlass.dataset.relation import Relation, sqlglot_of
from windlass.dataset.sql import literal, qualified, quote


class Dataset:
    """The tables of a dataset."""

    def __init__(self, engine_of: Any, dataset_name: str, schemas: Any, destination: Any = None) -> None:
        self._engine_of = engine_of
        self._given_name = dataset_name
        self._schemas_of = schemas
        self._destination = destination
        self._schemas: Optional[List[Any]] = None

    @classmethod
    def of_pipeline(cls, pipeline: Any, schema: Any = None) -> "Dataset":
        """The dataset of a pipeline."""
        pipeline._configure(None, None, None)

        def schemas() -> List[Any]:
            if schema is None:
                known = pipeline.schemas
                default = pipeline.default_schema_name
                return [known[name] for name in sorted(known, key=lambda name: name != default)]
            wanted = schema if isinstance(schema, (list, tuple)) else [schema]
            return [pipeline.schemas[one] if isinstance(one, str) else one for one in wanted]

        return cls(pipeline.engine, pipeline.dataset_name, schemas, pipeline.destination)

    # -- what it is

    @property
    def _engine(self) -> Any:
        return self._engine_of()

    @property
    def dataset_name(self) -> str:
        """The name, as the destination has it."""
        return str(self._engine.dataset_name())

    @property
    def schemas(self) -> List[Any]:
        """The schemas, the default one first."""
        if self._schemas is None:
            self._schemas = self._schemas_of()
        return self._schemas

    @property
    def schema(self) -> Any:
        """The default schema."""
        if not self.schemas:
            from windlass.common.schema import Schema

            return Schema(self._given_name)
        return self.schemas[0]

    @property
    def destination_dialect(self) -> str:
        """The dialect of SQL that queries are written in."""
        kind = self._destination.kind if self._destination is not None else "duckdb"
        return "duckdb" if kind == "filesystem" else str(kind)

    @property
    def tables(self) -> List[str]:
        """The names of the tables, those of data first."""
        found: List[str] = []
        for schema in self.schemas:
            found += [name for name in schema.data_table_names() if name not in found]
        for schema in self.schemas:
            found += [name for name in schema.dlt_table_names() if name not in found]
        return found

    def columns_of(self, table: str) -> Dict[str, Any]:
        """The columns of a table."""
        for schema in self.schemas:
            if table in schema.tables:
                return schema.get_table_columns(table)  # type: ignore[no-any-return]
        return {}

    def table_of(self, table: str) -> Dict[str, Any]:
        """The definition of a table."""
        for schema in self.schemas:
            if table in schema.tables:
                return schema.tables[table]  # type: ignore[no-any-return]
        return {}

    # -- relations

    def table(self, table_name: str, *, load_ids: Any = None, incremental: Any = None, **kwargs: Any) -> Relation:
        """The rows of a table."""
        for name in kwargs:
            raise TypeError(f"table() has no argument `{name}`")
        if table_name not in self.tables:
            raise ValueError(f"Table `{table_name}` not found in dataset. Available tables: {list(nearest_first(table_name, self.tables))}")
        relation = Relation.of_table(self, table_name)
        if load_ids is not None:
            relation = relation.from_loads(load_ids)
        if incremental is not None:
            relation = relation.incremental(incremental)
        return relation

    def query(self, query: Any, query_dialect: Optional[str] = None, *, _execute_raw_query: bool = False) -> Relation:
        """The rows of a query."""
        if type(query).__module__.split(".")[0] == "ibis":
            import ibis  # type: ignore[import-not-found]

            query = str(ibis.to_sql(query, dialect=self.destination_dialect))
        elif not isinstance(query, str):
            query = query.sql(dialect=self.destination_dialect) if hasattr(query, "sql") else str(query)
        elif query_dialect is not None and query_dialect != self.destination_dialect:
            query = sqlglot_of("a query in another dialect").transpile(
                query, read=query_dialect, write=self.destination_dialect
            )[0]
        return Relation.of_query(self, query)

    __call__ = query

    def __getitem__(self, table_name: str) -> Relation:
        try:
            return self.table(table_name)
        except ValueError as cause:
            raise KeyError(str(cause)) from None

    def __getattr__(self, name: str) -> Relation:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.table(name)
        except ValueError as cause:
            raise AttributeError(str(cause)) from None

    def row_counts(
        self,
        *,
        data_tables: bool = True,
        dlt_tables: bool = False,
        table_names: Optional[Sequence[str]] = None,
        load_id: Optional[str] = None,
    ) -> Relation:
        """The number of rows of tables."""
        names = list(table_names or [])
        if not names:
            for schema in self.schemas:
                names += schema.data_table_names() if data_tables else []
                names += schema.dlt_table_names() if dlt_tables else []
        parts = []
        for name in dict.fromkeys(names):
            if load_id is not None and "_dlt_load_id" not in self.columns_of(name):
                continue
            where = f' WHERE "_dlt_load_id" = {literal(load_id)}' if load_id is not None else ""
            parts.append(
                f'SELECT {literal(name)} AS "table_name", COUNT(*) AS "row_count" FROM {qualified(self, name)} AS '
                f"{quote(name)}{where}"
            )
        return self.query(" UNION ALL ".join(parts) or 'SELECT NULL AS "table_name", 0 AS "row_count" WHERE FALSE')

    def loads_table(self) -> Relation:
        """The loads."""
        return self.table("_dlt_loads")

    def load_ids(self, schema_name: Optional[str] = None) -> List[str]:
        """The ids of all loads of a schema."""
        relation = self.loads_table().where("schema_name", "eq", schema_name or self.schema.name)
        return [row[0] for row in relation.order_by("load_id").select("load_id").fetchall()]

    def latest_load_id(self, schema_name: Optional[str] = None) -> Optional[str]:
        """The id of the newest load of a schema."""
        relation = self.loads_table().where("schema_name", "eq", schema_name or self.schema.name)
        return relation.select("load_id").max().fetchscalar()  # type: ignore[no-any-return]

    # -- other ways

    @property
    def sql_client(self) -> Any:
        """A client that executes SQL."""
        from windlass.destinations.sql_client import SqlClient

        return SqlClient(self._engine, None)

    def ibis(self, read_only: bool = False) -> Any:
        """A connection of ibis to the data."""
        from windlass.helpers.ibis import connection_of

        return connection_of(self, read_only)

    @property
    def destination_client(self) -> Any:
        """A client of the destination."""
        return self.sql_client

    @property
    def sqlglot_schema(self) -> Any:
        """The tables and columns as sqlglot knows them."""
        from windlass.dataset.sql import type_name

        schema = sqlglot_of("sqlglot_schema").schema.MappingSchema(dialect=self.destination_dialect, normalize=False)
        for name in self.tables:
            columns = {column: type_name(hints.get("data_type")) for column, hints in self.columns_of(name).items()}
            schema.add_table(f"{quote(self.dataset_name)}.{quote(name)}", columns)
        return schema

    def is_same_dataset(self, other: "Dataset") -> bool:
        """Whether the other one is the same place."""
        return self._engine.location == other._engine.location and self.dataset_name == other.dataset_name

    def __enter__(self) -> "Dataset":
        return self

    def __exit__(self, *_: Any) -> None:
        """Connections are opened for each query, so that nothing is left."""

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import dataset_html

        return dataset_html(self)

    def __repr__(self) -> str:
        return f"<dlt.dataset(dataset_name='{self._given_name}', destination='{self.destination_dialect}')>"

    __str__ = __repr__


def dataset(destination: Any, dataset_name: str, schema: Any = None) -> Dataset:
    """A dataset at a destination, without a pipeline."""
    import json
    import tempfile

    from windlass._native import native
    from windlass.common.configuration.providers import local_dir
    from windlass.common.schema import Schema
    from windlass.destinations import resolve

    found = resolve(destination)
    assert found is not None
    description = {
        "name": "dataset",
        "pipelines_dir": tempfile.gettempdir(),
        "dataset": dataset_name,
        "destination": found.description("dataset"),
        "folder": str(local_dir()),
        "settings": {},
    }
    engine = native().Engine(json.dumps(description))

    def schemas() -> List[Any]:
        if isinstance(schema, Schema):
            return [schema]
        if isinstance(schema, (list, tuple)):
            return list(schema)
        names = [schema] if isinstance(schema, str) else _stored_names(engine, dataset_name)
        texts = [engine.stored_schema(name) for name in names]
        return [Schema.from_stored_schema(json.loads(text)) for text in texts if text]

    return Dataset(lambda: engine, dataset_name, schemas, found)


def _stored_names(engine: Any, dataset_name: str) -> List[str]:
    sql = f'SELECT DISTINCT schema_name FROM {quote(engine.dataset_name())}."_dlt_version" ORDER BY 1'
    with open_cursor(engine, sql) as cursor:
        return [row[0] for row in cursor.fetchall()]


__all__ = ["Dataset", "Relation", "dataset"]
