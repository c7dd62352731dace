"""Names of destinations that scripts use in annotations."""

from typing import Any, Literal

TLoaderFileFormat = Literal["jsonl", "typed-jsonl", "insert_values", "parquet", "csv", "reference", "model"]
LOADER_FILE_FORMATS = {"jsonl", "typed-jsonl", "insert_values", "parquet", "csv", "reference", "model"}
TDestinationReferenceArg = Any


def __getattr__(name: str) -> Any:
    # The classes need the exceptions of this package.
    if name in ("AnyDestination", "Destination"):
        from windlass.destinations.factory import Destination

        return Destination
    raise AttributeError(f"module 'windlass.common.destination' has no attribute '{name}'")
