"""Exceptions with the reference's names and hierarchy."""

from windlass.common.destination.exceptions import WithJobError
from windlass.common.exceptions import DltException


class NormalizeException(DltException):
    _fields = ('msg',)


class NormalizeJobFailed(NormalizeException, WithJobError):
    _fields = ('load_id', 'job_id', 'failed_message', 'writer_metrics')
