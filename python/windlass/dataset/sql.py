"""Pieces of SQL."""

from datetime import date, datetime
from typing import Any

_TYPES = {
    "text": "TEXT",
    "bigint": "BIGINT",
    "double": "DOUBLE PRECISION",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "time": "TIME",
    "decimal": "DECIMAL(38, 9)",
    "wei": "DECIMAL(38, 0)",
}


def type_name(data_type: Any) -> str:
    """The type of SQL for a type of columns."""
    return _TYPES.get(data_type, "TEXT")


def quote(name: str) -> str:
    """A name in quotes."""
    return '"' + str(name).replace('"', '""') + '"'


def qualified(dataset: Any, table: str) -> str:
    """A table with its dataset."""
    if dataset._destination is not None and dataset._destination.kind == "filesystem":
        return quote(table)
    return f"{quote(dataset.dataset_name)}.{quote(table)}"


def literal(value: Any) -> str:
    """A value."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (datetime, date)):
        return f"'{value.isoformat()}'"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return "'" + str(value).replace("'", "''") + "'"


def typed_literal(value: Any, data_type: Any) -> str:
    """A value in the type of a column."""
    if value is None or data_type not in _TYPES:
        return literal(value)
    return f"CAST({literal(value)} AS {_TYPES[data_type]})"
