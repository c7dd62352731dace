"""pandas, for code that takes it from here."""

from windlass.common.exceptions import MissingDependencyException

try:
    import pandas
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.common.libs.pandas", ["pandas"], msg="pandas is not installed: pip install pandas"
    ) from cause

__all__ = ["pandas", "pandas_to_arrow"]


def pandas_to_arrow(df: object, preserve_index: bool = False) -> object:
    """A frame as an Arrow table."""
    import pyarrow

    return pyarrow.Table.from_pandas(df, preserve_index=preserve_index)
