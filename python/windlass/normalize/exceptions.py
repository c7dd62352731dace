"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.destination.exceptions import WithJobError
from windlass.common.exceptions import DltException


class NormalizeException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('msg',)


class NormalizeJobFailed(NormalizeException, WithJobError):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'job_id', 'failed_message', 'writer_metrics')
