"""dlt's pipelines over a Rust engine: `import windlass as dlt`.

The names, arguments and meanings are those of dlt 1.31; the work is done by the engine without the GIL.
"""

from typing import TYPE_CHECKING, Any

from windlass import destinations, mark, progress, sources
from windlass import current
from windlass.common.configuration.accessors import config, secrets
from windlass.common.typing import TSecretStrValue, TSecretValue
from windlass.destinations.custom import destination
from windlass.extract.decorators import defer, resource, source, transformer
from windlass.pipeline.make import attach, pipeline, run
from windlass.pipeline.pipeline import Pipeline
from windlass.version import __version__

# These names are functions; modules of the same name must be loaded before, so that they do not take the name over.
from windlass.dataset import Dataset, Relation, dataset

if TYPE_CHECKING:
    from windlass.common.schema import Schema

TCredentials = Any

_LAZY = {"Schema": ("windlass.common.schema", "Schema")}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        module, attribute = _LAZY[name]
        value = getattr(importlib.import_module(module), attribute)
        globals()[name] = value
        return value
    if name in ("dbt", "hub"):
        from windlass.common.exceptions import MissingDependencyException

        raise MissingDependencyException(
            f"windlass.{name}", [f"dlt[{name}]"], msg=f"windlass has no `{name}` (yet): use dlt's own beside it"
        )
    raise AttributeError(f"module 'windlass' has no attribute '{name}'")


def alias_dlt() -> None:
    """Makes `import dlt` mean windlass in this process, for scripts that cannot be edited."""
    from windlass._alias import install

    install()


__all__ = [
    "Dataset",
    "Pipeline",
    "Relation",
    "Schema",
    "TCredentials",
    "TSecretStrValue",
    "TSecretValue",
    "__version__",
    "alias_dlt",
    "attach",
    "config",
    "current",
    "dataset",
    "defer",
    "destination",
    "destinations",
    "mark",
    "pipeline",
    "progress",
    "resource",
    "run",
    "secrets",
    "source",
    "sources",
    "transformer",
]
