"""Times: from texts and numbers to datetimes, and back. Functions that give pendulum's types need pendulum."""

import contextlib
import threading
import time as _time
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Optional, Union

PAST_TIMESTAMP: float = 0.0
FUTURE_TIMESTAMP: float = 9999999999.0
DAY_DURATION_SEC: float = 24 * 60 * 60.0
DEFAULT_TIMESTAMP_PRECISION = 6
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UNIX_EPOCH_DATE = date(1970, 1, 1)
UTC_NAME = "UTC"

TAnyDateTime = Union[datetime, date, str, float, int]

precise_time = _time.time
_last = [0.0]
_lock = threading.Lock()


def increasing_precise_time() -> float:
    """The time; never the same twice in a process."""
    import math

    with _lock:
        _last[0] = max(_time.time(), math.nextafter(_last[0], math.inf))
        return _last[0]


def timestamp_within(timestamp: float, min_exclusive: Optional[float], max_inclusive: Optional[float]) -> bool:
    """Whether a timestamp lies after the one and not after the other."""
    return timestamp > (min_exclusive or PAST_TIMESTAMP) and timestamp <= (max_inclusive or FUTURE_TIMESTAMP)


def timestamp_before(timestamp: float, max_inclusive: Optional[float]) -> bool:
    """Whether a timestamp does not lie after another."""
    return timestamp <= (max_inclusive or FUTURE_TIMESTAMP)


def parse_iso_like_datetime(value: str) -> Any:
    """The time, day or time of day of a text: of pendulum's types where it is installed, else of Python's."""
    found = _parsed(value)
    return _pendulum_of(found)


def _parsed(value: str) -> Union[datetime, date, time]:
    text = value.strip().replace("Z", "+00:00")
    for parse in (date.fromisoformat, datetime.fromisoformat, time.fromisoformat):
        with contextlib.suppress(ValueError):
            return parse(text)  # type: ignore[operator, no-any-return]
    import re

    # What Python before 3.11 does not read: fractions of other lengths, and zones without a colon.
    found = re.fullmatch(r"(\d{4}-?\d\d-?\d\d)[T ](\d\d:?\d\d(?::?\d\d)?)(?:\.(\d{1,9}))?\s*([+-]\d\d:?\d\d|[+-]\d\d)?", text)
    if found is None:
        raise ValueError(f"`{value}` is not a time in ISO 8601")
    day, clock, fraction, zone = found.groups()
    day = day if "-" in day else f"{day[:4]}-{day[4:6]}-{day[6:]}"
    clock = clock if ":" in clock else ":".join(clock[at : at + 2] for at in range(0, len(clock), 2))
    zone = (zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}") if zone else ""
    return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}" if clock.count(":") == 2 else f"{day}T{clock}{zone}")


def _pendulum_of(value: Any) -> Any:
    try:
        import pendulum
    except ImportError:
        return value
    if isinstance(value, datetime):
        return pendulum.instance(value, tz=None)  # type: ignore[arg-type]
    if isinstance(value, date):
        return pendulum.Date(value.year, value.month, value.day)
    return pendulum.Time(value.hour, value.minute, value.second, value.microsecond)


def ensure_datetime(value: TAnyDateTime) -> datetime:
    """A time of Python; numbers are seconds since 1970, in UTC."""
    if isinstance(value, datetime):
        return value if type(value) is datetime else to_py_datetime(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"`{value!r}` of type `{type(value).__name__}` is no time")
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, timezone.utc)
    found = _parsed(value)
    if isinstance(found, time):
        raise ValueError(f"`{value}` is a time of day, and a day is needed")
    return ensure_datetime(found)


def ensure_pendulum_datetime(value: TAnyDateTime, tz: Optional[tzinfo] = None) -> Any:
    """A time of pendulum in a zone: UTC unless one is given, in which times without a zone are read as well."""
    from windlass.common.pendulum import pendulum

    zone = tz or timezone.utc
    found = ensure_datetime(value)
    found = found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)
    return pendulum.instance(found).in_timezone(pendulum.UTC if zone is timezone.utc else zone)  # type: ignore[arg-type]


def ensure_pendulum_date(value: TAnyDateTime, tz: Optional[tzinfo] = None) -> Any:
    """The day of pendulum on which a time falls."""
    from windlass.common.pendulum import pendulum

    day = ensure_date(value, tz)
    return pendulum.Date(day.year, day.month, day.day)


def ensure_date(value: TAnyDateTime, tz: Optional[tzinfo] = None) -> date:
    """The day on which a time falls."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = ensure_datetime(value)
    if found.tzinfo is not None:
        found = found.astimezone(tz or timezone.utc)
    return found.date()


def ensure_pendulum_time(value: Any) -> Any:
    """A time of day of pendulum."""
    from windlass.common.pendulum import pendulum

    if isinstance(value, str):
        found = _parsed(value)
        value = found if isinstance(found, time) else None
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = (datetime.min + timedelta(seconds=value)).time()
    if not isinstance(value, time):
        raise TypeError(f"`{value!r}` is no time of day")
    return pendulum.Time(value.hour, value.minute, value.second, value.microsecond)


def to_py_datetime(value: datetime) -> datetime:
    """A time of Python of one of pendulum."""
    zone = value.tzinfo
    if zone is not None and value.utcoffset() == timedelta(0):
        zone = timezone.utc
    return datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, zone)


def to_py_date(value: date) -> date:
    """A day of Python of one of pendulum."""
    return date(value.year, value.month, value.day)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment


def datetime_to_timestamp(moment: datetime) -> int:
    """Seconds since 1970."""
    return int(_utc(moment).timestamp())


def datetime_to_timestamp_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (_utc(moment) - UNIX_EPOCH) // timedelta(milliseconds=1)


def datetime_to_timestamp_us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (_utc(moment) - UNIX_EPOCH) // timedelta(microseconds=1)


def date_to_epoch_days(value: date) -> int:
    """Days since 1970."""
    return (value - UNIX_EPOCH_DATE).days


def to_seconds(td: Any) -> Optional[float]:
    """Seconds of a duration or a number."""
    return td.total_seconds() if isinstance(td, timedelta) else td  # type: ignore[no-any-return]


def reduce_pendulum_datetime_precision(value: Any, precision: int) -> Any:
    """A time without the digits of a second that are too many."""
    if precision >= 6:
        return value
    unit = 10 ** (6 - precision)
    return value.replace(microsecond=value.microsecond // unit * unit)


def datetime_obj_to_str(value: Union[datetime, date], datetime_format: str) -> str:
    """A time in a format of `strftime`."""
    return value.strftime(datetime_format)


@contextlib.contextmanager
def set_context_timezone(name: str) -> Any:
    """The zone of times without one is a setting of the environment."""
    raise NotImplementedError("windlass has no set_context_timezone() (yet): set DLT_INTERVAL_TIMEZONE")
    yield


def get_context_timezone_name() -> str:
    """The zone in which times without one are read."""
    import os

    return os.environ.get("DLT_INTERVAL_TIMEZONE", UTC_NAME)
