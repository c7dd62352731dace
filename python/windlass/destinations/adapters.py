"""Hints that one kind of destination understands. windlass has none of these destinations (yet), and says so."""

from typing import Any, Callable

#: Adapters of the reference, and the destination each is for.
_ADAPTERS = {
    "athena_adapter": "athena",
    "athena_partition": "athena",
    "bigquery_adapter": "bigquery",
    "bigquery_partition": "bigquery",
    "clickhouse_adapter": "clickhouse",
    "databricks_adapter": "databricks",
    "iceberg_adapter": "iceberg tables",
    "iceberg_partition": "iceberg tables",
    "lance_adapter": "lance",
    "lancedb_adapter": "lancedb",
    "postgres_adapter": "geometry columns of postgres",
    "qdrant_adapter": "qdrant",
    "synapse_adapter": "synapse",
    "weaviate_adapter": "weaviate",
}


def _refused(name: str) -> Callable[..., Any]:
    def adapter(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(
            f"windlass has no {name}(): it has no {_ADAPTERS[name]} (yet). Give hints by apply_hints(), or load by dlt"
        )

    adapter.__name__ = name
    adapter.__doc__ = f"Refuses: there is no {_ADAPTERS[name]} (yet)."
    return adapter


def __getattr__(name: str) -> Any:
    if name in _ADAPTERS:
        # `bigquery_partition.year(...)` fails at its first use as well.
        return _Partitions(name) if name.endswith("_partition") else _refused(name)
    raise AttributeError(f"module 'windlass.destinations.adapters' has no attribute '{name}'")


class _Partitions:
    """Kinds of partitions, none of which is there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, _: str) -> Any:
        return _refused(self._name)


__all__ = list(_ADAPTERS)
