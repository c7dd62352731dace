"""Names of data types."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Dict

from windlass.common.schema.typing import DATA_TYPES, TDataType

_TYPES: Dict[type, str] = {
    bool: "bool",
    int: "bigint",
    float: "double",
    str: "text",
    bytes: "binary",
    Decimal: "decimal",
    datetime: "timestamp",
    date: "date",
    time: "time",
    dict: "json",
    list: "json",
}


def py_type_to_sc_type(t: Any) -> str:
    """The data type of a type of Python. Raises `TypeError` for one that has none."""
    for kind in getattr(t, "__mro__", ()):
        if kind in _TYPES:
            return _TYPES[kind]
    raise TypeError(f"the type `{t}` has no data type")


__all__ = ["DATA_TYPES", "TDataType", "py_type_to_sc_type"]
