"""`dlt.current`: what runs at the moment."""

from typing import Any, Dict

from windlass.extract.context import EXTRACTION, PIPE, current_resource_name, resource_state, source_state


def pipeline() -> Any:
    """The active pipeline, made if there is none."""
    from windlass.pipeline.make import current_pipeline

    return current_pipeline()


state = source_state


def _extraction() -> Any:
    extraction = EXTRACTION.get()
    if extraction is None:
        from windlass.extract.exceptions import CurrentSourceNotAvailable

        raise CurrentSourceNotAvailable(msg="there is no current source: ask for it inside a function with `@dlt.source`, `@dlt.resource` or `@dlt.transformer`")
    return extraction


def source() -> Any:
    """The source that is extracted."""
    return _extraction().source


def source_schema() -> Any:
    """The schema of the source that is extracted."""
    extraction = EXTRACTION.get()
    if extraction is None:
        from windlass.extract.exceptions import CurrentSourceSchemaNotAvailable

        raise CurrentSourceSchemaNotAvailable(msg="there is no current source, so that it has no schema: ask for it inside a function with `@dlt.source` or `@dlt.resource`")
    return extraction.source.schema


def resource_name() -> str:
    """The name of the resource that runs."""
    return current_resource_name()


def pipe() -> Any:
    """The pipe that runs."""
    return PIPE.get()


def resource() -> Any:
    """The resource that runs."""
    return _extraction().source.resources[resource_name()]


def resource_metrics() -> Dict[str, Any]:
    """What the resource counts itself."""
    return _extraction().metrics(resource_name())  # type: ignore[no-any-return]


def interval() -> Any:
    """The range that a scheduler sets; `None` if there is none."""
    from windlass.extract.incremental.scheduler import interval as found

    return found()


def timezone() -> str:
    """The zone in which naive times are read."""
    import os

    return os.environ.get("DLT_INTERVAL_TIMEZONE", "UTC")


def load_package_state() -> Dict[str, Any]:
    """The state of the package that is loaded."""
    raise NotImplementedError(
        "windlass has no state of load packages (yet): keep what must last in dlt.current.source_state()"
    )


def destination_state() -> Dict[str, Any]:
    """The state of the destination in the package that is loaded."""
    return load_package_state()


def run_context() -> Any:
    """Where settings and data are."""
    from types import SimpleNamespace

    from windlass.common.configuration.providers import global_dir, run_dir

    return SimpleNamespace(
        name="dlt", run_dir=str(run_dir()), data_dir=str(global_dir()), settings_dir=str(run_dir() / ".dlt"), uri=run_dir().as_uri()
    )


def workspace() -> Any:
    """Workspaces do not exist here."""
    raise NotImplementedError("windlass has no workspaces (yet)")


__all__ = [
    "interval",
    "pipe",
    "pipeline",
    "resource",
    "resource_metrics",
    "resource_name",
    "resource_state",
    "run_context",
    "source",
    "source_schema",
    "source_state",
    "state",
    "timezone",
]
