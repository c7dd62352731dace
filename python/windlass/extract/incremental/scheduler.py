"""The range that a scheduler sets for a run."""

import contextlib
import os
import sys
from contextvars import ContextVar
from datetime import date, datetime, timezone
from typing import Any, Iterator, Optional, Tuple

from windlass.extract.incremental.exceptions import ExternalSchedulerNotAvailable, JoinSchedulerError

#: The range that a helper of an orchestrator sets for the runs inside of it.
_WINDOW: ContextVar[Optional[Tuple[datetime, datetime]]] = ContextVar("windlass_window", default=None)


@contextlib.contextmanager
def window(start: datetime, end: datetime) -> Iterator[None]:
    """Sets the range of all cursors of the runs inside, unless a cursor refuses schedulers.

    From `start` on, and before `end`; times without a zone are UTC.
    """
    token = _WINDOW.set((_aware(start), _aware(end)))
    try:
        yield
    finally:
        _WINDOW.reset(token)


def is_wanted(allowed: Optional[bool]) -> bool:
    """Whether a cursor takes its range from a scheduler: by its own word, or by that of the environment or a helper."""
    if allowed is not None:
        return allowed
    if _WINDOW.get() is not None:
        return True
    return os.environ.get("DLT_ALLOW_EXTERNAL_SCHEDULERS", "").lower() in ("1", "true", "yes")


def interval() -> Optional[Tuple[datetime, datetime]]:
    """The interval of a helper, of the environment or of the Airflow task that runs; `None` if there is none."""
    given = _WINDOW.get()
    if given is not None:
        return given
    start, end = os.environ.get("DLT_INTERVAL_START"), os.environ.get("DLT_INTERVAL_END")
    if start and end:
        return _time(start), _time(end)
    context = _airflow_context()
    if context is None:
        return None
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    return (start, end) if start is not None and end is not None else None  # type: ignore[return-value]


def _airflow_context() -> Optional[Any]:
    """The context of the Airflow task that runs. Inside of one Airflow is imported already: it is slow to import."""
    if "airflow" not in sys.modules:
        return None
    try:
        try:
            from airflow.sdk import get_current_context  # type: ignore
        except ImportError:
            from airflow.operators.python import get_current_context  # type: ignore
        return get_current_context()
    except Exception:
        return None


def _time(text: str) -> datetime:
    return _aware(datetime.fromisoformat(text.replace("Z", "+00:00")))


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def join(cursor: Any) -> None:
    """Sets the range of a cursor to the interval; the run keeps no state."""
    name = cursor.resource_name
    found = interval()
    if found is None:
        raise ExternalSchedulerNotAvailable(
            name,
            msg=f"the cursor `{cursor.cursor_path}` of `{name}` takes its range from a scheduler, and there is none: set "
            "DLT_INTERVAL_START and DLT_INTERVAL_END, or allow_external_schedulers=False",
        )
    # What was declared stays the limit, whatever range an earlier run of this cursor had.
    if cursor._declared is None:
        cursor._declared = (cursor.initial_value, cursor.end_value)
    first, last = cursor._declared
    kind = type(first)
    start, end = (_convert(value, kind, cursor) for value in found)
    if first is not None and start < first:
        start = first
    if last is not None and last < end:
        end = last
    cursor.initial_value, cursor.end_value = start, end


def _convert(value: datetime, kind: type, cursor: Any) -> Any:
    if kind is datetime or kind is type(None) or (isinstance(kind, type) and issubclass(kind, datetime)):
        return value
    if kind is date:
        return value.date()
    if kind is int:
        return int(value.timestamp())
    if kind is float:
        return value.timestamp()
    raise JoinSchedulerError(
        cursor.resource_name,
        f"the range of a scheduler cannot be the range of the cursor `{cursor.cursor_path}`, which is of type "
        f"`{kind.__name__}`: give it an initial_value that is a datetime, date, int or float",
    )
