"""JSON with typed strings, as states and packages hold it."""

from typing import Any

from windlass._native import native


def typed_dumps(value: Any) -> str:
    """A value as JSON whose strings may be typed."""
    return str(native().typed_dumps(value))


def typed_loads(text: str) -> Any:
    """The value of JSON whose strings may be typed."""
    return native().typed_loads(text)


def dumps(value: Any, sort_keys: bool = False, pretty: bool = False) -> str:
    """A value as JSON: times, decimals and the like as text."""
    import json

    separators = (",", ": ") if pretty else (",", ":")
    return json.dumps(
        value, default=str, separators=separators, ensure_ascii=False, sort_keys=sort_keys, indent=2 if pretty else None
    )


def loads(text: Any) -> Any:
    """The value of a JSON text."""
    import json

    return json.loads(text)


def dumpb(value: Any, sort_keys: bool = False, pretty: bool = False) -> bytes:
    """A value as the bytes of JSON."""
    return dumps(value, sort_keys, pretty).encode()


loadb = loads
