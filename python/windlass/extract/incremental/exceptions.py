"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException
from windlass.extract.exceptions import PipeException


class IntervalNotAvailable(DltException):
    _fields = ('operation', 'context_missing')


class IncrementalCursorPathMissing(PipeException):
    _fields = ('pipe_name', 'json_path', 'item', 'msg')


class IncrementalCursorPathHasValueNone(PipeException):
    _fields = ('pipe_name', 'json_path', 'item', 'msg')


class IncrementalCursorInvalidCoercion(PipeException):
    _fields = ('pipe_name', 'cursor_path', 'cursor_value', 'cursor_value_type', 'item', 'item_type', 'details')


class IncrementalPrimaryKeyMissing(PipeException):
    _fields = ('pipe_name', 'primary_key_column', 'item')


class JoinSchedulerError(PipeException):
    _fields = ('pipe_name', 'msg')


class ExternalSchedulerNotAvailable(PipeException):
    _fields = ('pipe_name',)
