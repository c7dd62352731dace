"""JSON with typed strings, as states and packages hold it."""

from typing import Any

from windlass._native import native


def typed_dumps(value: Any) -> str:
    """A value as JSON whose strings may be typed."""
    return str(native().typed_dumps(value))


def typed_loads(text: str) -> Any:
    """The value of JSON whose strings may be typed."""
    return native().typed_loads(text)


def dumps(value: Any, **_: Any) -> str:
    """A value as JSON: times, decimals and the like as text."""
    import json

    return json.dumps(value, default=str, separators=(",", ":"), ensure_ascii=False)


def loads(text: Any) -> Any:
    """The value of a JSON text."""
    import json

    return json.loads(text)


def dumpb(value: Any, **_: Any) -> bytes:
    """A value as the bytes of JSON."""
    return dumps(value).encode()


loadb = loads
