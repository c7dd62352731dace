"""Types of the HTTP helper."""

from datetime import timedelta
from typing import Tuple, Union

TimedeltaSeconds = Union[int, float, timedelta]
#: One number for all, or one to connect and one to read.
TRequestTimeout = Union[TimedeltaSeconds, Tuple[TimedeltaSeconds, TimedeltaSeconds]]
