"""numpy, for code that takes it from here."""

from windlass.common.exceptions import MissingDependencyException

try:
    import numpy
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.common.libs.numpy", ["numpy"], msg="numpy is not installed: pip install numpy"
    ) from cause

__all__ = ["numpy"]
