"""`dlt.mark`: items that say where they go."""

from typing import Any, Dict, Optional

from windlass.extract.hints import make_hints, make_nested_hints
from windlass.extract.items import (
    DataItemWithMeta,
    HintsMeta,
    ImportFileMeta,
    MaterializedEmptyList,
    TableNameMeta,
)


def with_table_name(item: Any, table_name: str) -> DataItemWithMeta:
    """The item goes to this table."""
    return DataItemWithMeta(TableNameMeta(table_name), item)


def with_hints(item: Any, hints: Optional[Dict[str, Any]] = None, create_table_variant: bool = False) -> DataItemWithMeta:
    """The item comes with hints, for its resource from now on or for a table of its own."""
    return DataItemWithMeta(HintsMeta(hints or {}, create_table_variant), item)


def with_file_import(file_path: str, file_format: str, items_count: int = 0, hints: Any = None) -> DataItemWithMeta:
    """The rows of a file are loaded."""
    return DataItemWithMeta(ImportFileMeta(str(file_path), file_format, items_count, hints), [])


def materialize_table_schema() -> MaterializedEmptyList:
    """No rows, but the table is made."""
    return MaterializedEmptyList()


__all__ = [
    "make_hints",
    "make_nested_hints",
    "materialize_table_schema",
    "with_file_import",
    "with_hints",
    "with_table_name",
]
