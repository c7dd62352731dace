"""What runs at the moment: the extraction, the pipe, and the state that belongs to it."""

import contextlib
import contextvars
from typing import Any, Dict, Iterator, Optional

#: The extraction of a source, while a pipeline reads it or somebody iterates over it.
EXTRACTION: "contextvars.ContextVar[Optional[Any]]" = contextvars.ContextVar("windlass_extraction", default=None)

#: The pipe whose step runs.
PIPE: "contextvars.ContextVar[Optional[Any]]" = contextvars.ContextVar("windlass_pipe", default=None)

#: The source whose function runs.
SOURCE_SECTION: "contextvars.ContextVar[Optional[Any]]" = contextvars.ContextVar("windlass_source", default=None)


@contextlib.contextmanager
def running(extraction: Any) -> Iterator[None]:
    """Makes an extraction the current one."""
    token, pipe_token = EXTRACTION.set(extraction), PIPE.set(PIPE.get())
    try:
        yield
    finally:
        EXTRACTION.reset(token)
        # Afterwards no resource runs any more.
        PIPE.reset(pipe_token)


def source_state() -> Dict[str, Any]:
    """The state of the source that is extracted: kept with the data.

    Outside an extraction a copy of what the active pipeline knows; changes to it vanish.
    """
    extraction = EXTRACTION.get()
    if extraction is not None:
        return extraction.state
    from windlass.pipeline.active import active

    pipeline = active()
    info = SOURCE_SECTION.get()
    if pipeline is None or info is None:
        from windlass.common.pipeline import StateNotAvailable

        raise StateNotAvailable(
            msg="the state of a source is available while it is extracted; call this in a resource or a source"
        )
    state = pipeline.state.get("sources", {}).get(info.name, {})
    return state


def resource_state(resource_name: Optional[str] = None) -> Dict[str, Any]:
    """The state of a resource: of the one that runs when no name is given."""
    if resource_name is None:
        resource_name = current_resource_name()
    return source_state().setdefault("resources", {}).setdefault(resource_name, {})


def current_resource_name() -> str:
    """The name of the resource that runs."""
    pipe = PIPE.get()
    if pipe is None:
        from windlass.common.pipeline import ResourceNameNotAvailable

        raise ResourceNameNotAvailable(
            msg="no resource runs here: give the name of the resource, or call this in its function"
        )
    return str(pipe.name)
