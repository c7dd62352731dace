"""Names of files that Python functions have a part in."""

import inspect
from datetime import date, datetime, time, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

from windlass.destinations.exceptions import InvalidPlaceholderCallback

_EPOCH = datetime(1970, 1, 1)


class LayoutCallbacks:
    """Functions behind placeholders, called for each file of a load with what the file is called after."""

    def __init__(self, functions: Dict[str, Callable[..., Any]], current_datetime: Any = None) -> None:
        self._functions = functions
        self._current_datetime = current_datetime

    @property
    def names(self) -> List[str]:
        """The placeholders that are functions."""
        return list(self._functions)

    def values(self, schema_name: str, table_name: str, load_id: str, file_id: str, ext: str) -> List[str]:
        """What the functions say for a file."""
        arguments = (schema_name, table_name, load_id, file_id, ext)
        return [str(_called(name, function, arguments)) for name, function in self._functions.items()]

    def current_datetime(self) -> Optional[Tuple[int, Optional[int]]]:
        """The time of a load: microseconds since 1970, and the seconds that its clock is ahead of UTC, if it says."""
        given = self._current_datetime
        if given is None:
            return None
        moment = as_datetime(given() if callable(given) else given)
        offset = moment.utcoffset()
        if offset is None:
            return _micros(moment), None
        return _micros(moment.astimezone(timezone.utc).replace(tzinfo=None)), int(offset.total_seconds())


def _called(name: str, function: Callable[..., Any], arguments: Tuple[str, ...]) -> Any:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as cause:
        raise InvalidPlaceholderCallback(
            name,
            msg=f"Invalid placeholder `callback_name={name}`, please make sure it can accept parameters the following "
            "`schema name`, `table name`, `load_id`, `file_id` and an `extension`",
        ) from cause
    except ValueError:
        # What is built in may not tell its arguments.
        pass
    return function(*arguments)


def as_datetime(value: Any) -> datetime:
    """A time that may be given as a date or as text. Raises for anything else."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError(
            f"`current_datetime` is of type `{type(value).__name__}`: give a datetime, or a function that returns one"
        )
    return value


def _micros(moment: datetime) -> int:
    passed = moment.replace(tzinfo=None) - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
