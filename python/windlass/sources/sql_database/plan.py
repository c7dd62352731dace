"""What is read of a table, and what is said about it."""

import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from windlass._native import native
from windlass.common.exceptions import choices
from windlass.sources.sql_database.connection import Connection, sqlalchemy
from windlass.sources.sql_database.schema_types import default_table_adapter, table_to_resource_hints


class TableOptions(NamedTuple):
    """How a table is looked at and read."""

    chunk_size: int = 50000
    backend: str = "sqlalchemy"
    reflection_level: str = "full"
    table_adapter: Optional[Callable[[Any], Any]] = None
    type_adapter: Optional[Callable[[Any], Any]] = None
    query_adapter: Optional[Callable[..., Any]] = None
    resolve_foreign_keys: bool = False
    included_columns: Optional[List[str]] = None
    excluded_columns: Optional[List[str]] = None
    backend_kwargs: Optional[Dict[str, Any]] = None
    loader_class: Any = None

    def is_read(self, column: str) -> bool:
        """Whether a column is read."""
        return (self.included_columns is None or column in self.included_columns) and not (
            self.excluded_columns and column in self.excluded_columns
        )


class Table:
    """A table of a database."""

    def __init__(
        self, connection: Connection, name: str, schema: Optional[str], metadata: Any, options: TableOptions
    ) -> None:
        self.connection = connection
        self.name = name
        self.schema = schema
        self.metadata = metadata
        self.options = options
        self._shape: Optional[Dict[str, Any]] = None
        self._reflected: Any = None

    @property
    def is_native(self) -> bool:
        """Whether the engine looks at the table and reads it; else SQLAlchemy does."""
        from windlass.sources.sql_database.helpers import remove_nullability_adapter

        options = self.options
        callbacks = (options.type_adapter, options.query_adapter, options.loader_class, self.metadata)
        return (
            self.connection.native is not None
            and all(callback is None for callback in callbacks)
            and options.table_adapter in (None, remove_nullability_adapter)
            and self.connection._adapter is None
        )

    @property
    def is_by_rows(self) -> bool:
        """Whether rows are what the backend gives."""
        return self.options.backend == "sqlalchemy"

    def hints(self) -> Dict[str, Any]:
        """What the database says about the table. Raises for a table that does not exist."""
        if self.is_native:
            return self._native_hints()
        table = self.reflected()
        options = self.options
        return table_to_resource_hints(
            table, options.reflection_level, options.type_adapter, self.is_by_rows, options.resolve_foreign_keys
        )

    def shape(self) -> Dict[str, Any]:
        """What the engine knows of the table."""
        if self._shape is None:
            text = native().sql_reflect(
                self.connection.native, self.schema, [self.name], self.options.reflection_level
            )
            found = json.loads(text)
            if not found:
                raise self._missing()
            self._shape = found[0]
        return self._shape

    def kind_of(self, column: str) -> Optional[str]:
        """The type that a column has in the database, whatever is declared."""
        shape = self.shape()
        if self.options.reflection_level == "minimal":
            text = native().sql_reflect(self.connection.native, self.schema, [self.name], "full")
            shape = (json.loads(text) or [shape])[0]
        hints: Dict[str, Any] = next((one["hints"] for one in shape["columns"] if one["name"] == column), {})
        return hints.get("data_type")

    def _missing(self) -> Exception:
        names = [name for name, _ in json.loads(native().sql_relations(self.connection.native, self.schema))]
        return _no_table(self.name, self.schema, native().sql_location(self.connection.native), names)

    def _native_hints(self) -> Dict[str, Any]:
        shape, options = self.shape(), self.options
        is_minimal = options.reflection_level == "minimal"
        columns = {}
        for column in shape["columns"]:
            name = column["name"]
            if not options.is_read(name) or (is_minimal and self.is_by_rows and column["is_nested"]):
                continue
            hints = {"name": name, **column["hints"]}
            if options.table_adapter is None:
                hints["nullable"] = column["nullable"]
            columns[name] = hints
        found: Dict[str, Any] = {"columns": columns, "primary_key": shape["primary_key"] or None}
        if options.resolve_foreign_keys:
            found["references"] = _merged(shape["references"]) or None
        return found

    def reflected(self) -> Any:
        """The table as SQLAlchemy reflects it, after the adapters."""
        if self._reflected is None:
            alchemy = sqlalchemy()
            metadata = self.metadata if self.metadata is not None else alchemy.MetaData(schema=self.schema)
            engine = self.connection.engine()
            schema = metadata.schema if self.metadata is not None else self.schema
            try:
                table = alchemy.Table(
                    self.name,
                    metadata,
                    schema=schema,
                    autoload_with=engine,
                    resolve_fks=self.options.resolve_foreign_keys,
                    extend_existing=False,
                )
            except alchemy.exc.NoSuchTableError as cause:
                names = alchemy.inspect(engine).get_table_names(schema=schema)
                raise _no_table(self.name, schema, engine.url.database, names) from cause
            # The adapters change this table, not the one that others see.
            table = table.to_metadata(alchemy.MetaData())
            default_table_adapter(table, self.options.included_columns, self.options.excluded_columns)
            if self.options.table_adapter is not None:
                changed = self.options.table_adapter(table)
                table = table if changed is None else changed
            self._reflected = table
        return self._reflected


def _merged(references: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """One reference for each table."""
    found: Dict[str, Dict[str, Any]] = {}
    for reference in references:
        known = found.setdefault(
            reference["referenced_table"],
            {"referenced_table": reference["referenced_table"], "columns": [], "referenced_columns": []},
        )
        known["columns"] += reference["columns"]
        known["referenced_columns"] += reference["referenced_columns"]
    return list(found.values())


def _no_table(name: str, schema: Optional[str], location: Any, names: List[str]) -> Exception:
    place = f"schema `{schema}` of {location}" if schema else f"{location}"
    return ValueError(f"Could not reflect: there is no table `{name}` in {place}: {choices(name, names)}")
