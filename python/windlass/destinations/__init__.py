"""Destinations: `dlt.destinations.duckdb(...)` and the others."""

from typing import Any, Dict, Optional

from windlass.destinations.factory import Destination, UnknownDestination, factory_of

#: Destinations of the reference that this engine has under a name of its own, or not at all.
_NAMES = (
    "duckdb",
    "filesystem",
    "postgres",
    "mysql",
    "sqlite",
    "sqlalchemy",
    "dummy",
    "snowflake",
    "ducklake",
    "mssql",
    "fabric",
    "bigquery",
    "athena",
    "redshift",
    "qdrant",
    "lancedb",
    "lance",
    "motherduck",
    "weaviate",
    "synapse",
    "databricks",
    "dremio",
    "clickhouse",
)

_known: Dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        if name not in _known:
            _known[name] = factory_of(name)
        return _known[name]
    if name == "destination":
        from windlass.destinations.custom import destination

        return destination
    raise AttributeError(f"module 'windlass.destinations' has no attribute '{name}'")


def resolve(reference: Any, credentials: Optional[Any] = None) -> Optional[Destination]:
    """The destination that an argument names: a name, a dotted reference, a factory or an instance."""
    from windlass.destinations.factory import from_reference

    return from_reference(reference, credentials)


__all__ = ["Destination", "UnknownDestination", "resolve", *_NAMES]
