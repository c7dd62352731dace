"""The range that a scheduler sets for a run."""

import os
from datetime import date, datetime, timezone
from typing import Any, Optional, Tuple

from windlass.extract.incremental.exceptions import ExternalSchedulerNotAvailable, JoinSchedulerError


def interval() -> Optional[Tuple[datetime, datetime]]:
    """The interval of the environment or of the Airflow task that runs; `None` if there is none."""
    start, end = os.environ.get("DLT_INTERVAL_START"), os.environ.get("DLT_INTERVAL_END")
    if start and end:
        return _time(start), _time(end)
    try:
        from airflow.operators.python import get_current_context  # type: ignore
    except ImportError:
        return None
    try:
        context = get_current_context()
        return context["data_interval_start"], context["data_interval_end"]
    except Exception:
        return None


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
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
    kind = type(cursor.initial_value)
    start, end = (_convert(value, kind, cursor) for value in found)
    if cursor.initial_value is not None and start < cursor.initial_value:
        start = cursor.initial_value
    cursor.initial_value, cursor.end_value = start, end


def _convert(value: datetime, kind: type, cursor: Any) -> Any:
    if kind is datetime or kind is type(None):
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
