"""How much one record may be: it is held in memory as a whole, several times."""

from typing import Any

from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.configuration.resolve import lookup

#: The memory of a run unless `max_memory` says otherwise, and the part of it that a record may have, as in the engine.
_MEMORY, _PART = 512 << 20, 16


def byte_size(text: Any) -> int:
    """Reads `512MB`, `2 GiB`, `1000`; units are powers of 1024. Raises ConfigurationValueError for what is no size."""
    text = str(text).strip()
    digits = len(text) - len(text.lstrip("0123456789."))
    unit = text[digits:].strip().lower().removesuffix("b").removesuffix("i")
    power = {"": 0, "k": 1, "m": 2, "g": 3}.get(unit)
    try:
        if power is not None:
            return int(float(text[:digits]) * 1024**power)
    except ValueError:
        pass
    raise ConfigurationValueError(f"`{text}` is not a size: write it like 512MB or 2GB")


def record_limit() -> int:
    """Bytes that a record may have: `extract.max_record_bytes`, or its part of `max_memory`."""
    chosen, _ = lookup("max_record_bytes", (), embedded=("extract",))
    if chosen is not None:
        return max(byte_size(chosen), 1)
    memory, _ = lookup("max_memory")
    return max((_MEMORY if memory is None else byte_size(memory)) // _PART, 1)


def too_long(place: str, limit: int, remedy: str = "") -> Exception:
    """The error for a record that is longer than the limit."""
    units = ((20, "MiB"), (10, "KiB"), (0, "bytes"))
    shown = next(f"{limit >> power} {unit}" for power, unit in units if limit % (1 << power) == 0)
    return ValueError(
        f"{place}: a record is longer than {shown}{remedy}: extract.max_record_bytes is the limit; "
        "unless it is set it is a sixteenth of max_memory"
    )
