"""Naming conventions."""

from typing import Optional

from windlass._native import native


class NamingConvention:
    """How names of tables and columns are made."""

    def __init__(self, convention: str = "snake_case", max_length: Optional[int] = None) -> None:
        self._convention = convention
        self.max_length = max_length

    def name(self) -> str:
        """The name of the convention."""
        return self._convention

    def normalize_identifier(self, identifier: str) -> str:
        """The name of a column."""
        return str(native().normalize_name(identifier, "column", self._convention, self.max_length))

    def normalize_table_identifier(self, identifier: str) -> str:
        """The name of a table."""
        return str(native().normalize_name(identifier, "table", self._convention, self.max_length))

    def normalize_path(self, path: str) -> str:
        """The name of a nested column."""
        return str(native().normalize_name(path, "column_path", self._convention, self.max_length))

    def normalize_tables_path(self, path: str) -> str:
        """The name of a nested table."""
        return str(native().normalize_name(path, "table_path", self._convention, self.max_length))
