"""Errors of the cursor under the reference's names."""

import contextlib
from typing import Any, Iterator

from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.extract.incremental.exceptions import (
    IncrementalCursorInvalidCoercion,
    IncrementalCursorPathHasValueNone,
    IncrementalCursorPathMissing,
    IncrementalPrimaryKeyMissing,
)


@contextlib.contextmanager
def translated(incremental: Any, item: Any) -> Iterator[None]:
    """Raises the reference's exception for an error of the engine's cursor."""
    from windlass._native import native

    try:
        yield
    except native().EngineError as cause:
        raise _exception(incremental, item, cause) from cause


def _exception(incremental: Any, item: Any, cause: Any) -> Exception:
    name, path = incremental.resource_name, incremental.cursor_path
    text, told = str(cause.args[0]), str(cause)
    message = f"In processing pipe `{name}`: {told}"
    if cause.kind == "config":
        return ConfigurationValueError(told)
    if "primary key" in text:
        return IncrementalPrimaryKeyMissing(name, incremental.primary_key, item, msg=message)
    if "null" in cause.message:
        return IncrementalCursorPathHasValueNone(name, path, item, msg=message)
    if "no cursor" in text or "has no" in text or "missing" in text or "no column" in text:
        return IncrementalCursorPathMissing(name, path, item, msg=message)
    return IncrementalCursorInvalidCoercion(name, path, None, "", item, type(item), told, msg=message)
