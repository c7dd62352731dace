"""pyarrow, for code that takes it from here."""

from windlass.common.exceptions import MissingDependencyException

try:
    import pyarrow
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.common.libs.pyarrow", ["pyarrow"], msg="pyarrow is not installed: pip install pyarrow"
    ) from cause

__all__ = ["pyarrow"]
