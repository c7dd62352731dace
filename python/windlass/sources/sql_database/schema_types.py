"""What tables of SQLAlchemy say about resources."""

from typing import Any, Dict, List, Optional, Sequence

from windlass.sources.sql_database.connection import sqlalchemy

ReflectionLevel = Any
TReflectedHints = Dict[str, Any]


def _is_uuid_type(sql_t: Any) -> bool:
    return type(sql_t).__name__.upper() in ("UUID", "UNIQUEIDENTIFIER")


def sqla_col_to_column_schema(
    sql_col: Any,
    reflection_level: ReflectionLevel,
    type_adapter_callback: Any = None,
    skip_nested_columns_on_minimal: bool = False,
) -> Optional[Dict[str, Any]]:
    """The hints of a column at a level of reflection; `None` for one whose values say what it is."""
    types = sqlalchemy().types
    column: Dict[str, Any] = {"name": sql_col.name, "nullable": sql_col.nullable}
    kind = sql_col.type
    if reflection_level == "minimal":
        if skip_nested_columns_on_minimal and isinstance(kind, (types.JSON, types.ARRAY)):
            return None
        return column
    if type_adapter_callback is not None:
        kind = type_adapter_callback(kind)
        if kind is None:
            return column
        if isinstance(kind, type):
            kind = kind()
    return {**column, **_type_hints(kind, reflection_level == "full_with_precision")}


def _type_hints(kind: Any, with_precision: bool) -> Dict[str, Any]:
    types = sqlalchemy().types
    name = type(kind).__name__.upper()
    if isinstance(kind, getattr(types, "Uuid", ())) or _is_uuid_type(kind):
        return {"data_type": "text"}
    if isinstance(kind, (types.Numeric, types.Float)):
        if not getattr(kind, "asdecimal", False):
            return {"data_type": "double"}
        hints: Dict[str, Any] = {"data_type": "decimal"}
        if kind.precision is not None:
            hints["precision"] = kind.precision
            scale = kind.scale if kind.scale is not None else getattr(kind, "decimal_return_scale", None)
            if scale is not None:
                hints["scale"] = scale
        return hints
    if isinstance(kind, types.SmallInteger):
        return {"data_type": "bigint", **({"precision": 32} if with_precision else {})}
    if isinstance(kind, types.Integer):
        return {"data_type": "bigint"}
    if isinstance(kind, types.String):
        return {"data_type": "text", **_length(kind, with_precision)}
    if isinstance(kind, types._Binary) or name in ("ROWVERSION", "IMAGE"):
        return {"data_type": "binary", **_length(kind, with_precision)}
    if isinstance(kind, types.DateTime):
        is_aware = bool(getattr(kind, "timezone", False)) or name == "DATETIMEOFFSET"
        return {"data_type": "timestamp", "timezone": is_aware}
    if isinstance(kind, types.Date):
        return {"data_type": "date"}
    if isinstance(kind, types.Time):
        return {"data_type": "time"}
    if isinstance(kind, (types.JSON, types.ARRAY)):
        return {"data_type": "json"}
    if isinstance(kind, types.Boolean) or (name == "BIT" and "mssql" in type(kind).__module__):
        return {"data_type": "bool"}
    return {}


def kind_of(kind: Any) -> Optional[str]:
    """The data type that a type of SQLAlchemy is."""
    return _type_hints(kind, False).get("data_type")


def _length(kind: Any, with_precision: bool) -> Dict[str, Any]:
    length = getattr(kind, "length", None)
    return {"precision": length} if with_precision and length else {}


def get_primary_key(table: Any) -> Optional[List[str]]:
    """The columns of the primary key; `None` without."""
    return [column.name for column in table.primary_key] or None


def table_to_columns(
    table: Any,
    reflection_level: ReflectionLevel = "full",
    type_conversion_fallback: Any = None,
    skip_nested_columns_on_minimal: bool = False,
) -> Dict[str, Dict[str, Any]]:
    """The hints of a table's columns, by name."""
    found = (
        sqla_col_to_column_schema(column, reflection_level, type_conversion_fallback, skip_nested_columns_on_minimal)
        for column in table.columns
    )
    return {hints["name"]: hints for hints in found if hints is not None}


def get_table_references(table: Any) -> Optional[List[Dict[str, Any]]]:
    """References to tables of the same schema, one for each table."""
    found: Dict[str, Dict[str, Any]] = {}
    for constraint in sorted(table.foreign_key_constraints, key=lambda one: [c.name for c in one.columns]):
        for key in constraint.elements:
            try:
                other = key.column.table
            except Exception:
                continue
            if other.schema != table.schema:
                continue
            reference = found.setdefault(
                other.name, {"referenced_table": other.name, "columns": [], "referenced_columns": []}
            )
            reference["columns"].append(key.parent.name)
            reference["referenced_columns"].append(key.column.name)
    return list(found.values()) or None


def table_to_resource_hints(
    table: Any,
    reflection_level: ReflectionLevel = "full",
    type_conversion_fallback: Any = None,
    skip_nested_columns_on_minimal: bool = False,
    resolve_foreign_keys: bool = False,
) -> TReflectedHints:
    """Columns, primary key and references of a table as hints."""
    hints: TReflectedHints = {
        "columns": table_to_columns(
            table, reflection_level, type_conversion_fallback, skip_nested_columns_on_minimal
        ),
        "primary_key": get_primary_key(table),
    }
    if resolve_foreign_keys:
        hints["references"] = get_table_references(table)
    return hints


def default_table_adapter(
    table: Any, included_columns: Optional[Sequence[str]], excluded_columns: Optional[Sequence[str]] = None
) -> None:
    """Takes away the columns that are not to be read, and has UUIDs read as texts."""
    if included_columns is not None:
        for column in list(table._columns):
            if column.name not in included_columns:
                table._columns.remove(column)
    for column in list(table._columns):
        if excluded_columns and column.name in excluded_columns:
            table._columns.remove(column)
        elif _is_uuid_type(column.type) and getattr(column.type, "as_uuid", False):
            column.type.as_uuid = False
