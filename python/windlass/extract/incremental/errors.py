"""Errors of the cursor under the reference's names."""

import contextlib
from typing import Any, Iterator


@contextlib.contextmanager
def translated(incremental: Any, item: Any) -> Iterator[None]:
    """Raises the reference's exception for an error of the engine's cursor."""
    from windlass._errors import Asked, exception_of
    from windlass._native import native

    try:
        yield
    except native().EngineError as cause:
        asked = Asked(incremental.resource_name, incremental.cursor_path, incremental.primary_key, item)
        raise exception_of(cause, asked) from cause
