"""The pipeline that is active in this thread."""

import threading
from typing import Any, Optional

_local = threading.local()


def active() -> Optional[Any]:
    """The active pipeline; `None` if there is none."""
    return getattr(_local, "pipeline", None)


def active_name() -> Optional[str]:
    """The name of the active pipeline, or of the one that is being made."""
    pipeline = active()
    return getattr(_local, "name", None) or (pipeline.pipeline_name if pipeline is not None else None)


def activate(pipeline: Optional[Any]) -> None:
    """Makes a pipeline the active one."""
    _local.pipeline = pipeline
    _local.name = None


def naming_pipeline(name: Optional[str]) -> None:
    """Lets settings be looked up for a pipeline that is being made."""
    _local.name = name
