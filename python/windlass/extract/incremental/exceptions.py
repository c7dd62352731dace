"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException
from windlass.extract.exceptions import PipeException


class IntervalNotAvailable(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('operation', 'context_missing')


class IncrementalCursorPathMissing(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'json_path', 'item', 'msg')


class IncrementalCursorPathHasValueNone(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'json_path', 'item', 'msg')


class IncrementalCursorInvalidCoercion(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'cursor_path', 'cursor_value', 'cursor_value_type', 'item', 'item_type', 'details')


class IncrementalPrimaryKeyMissing(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'primary_key_column', 'item')


class JoinSchedulerError(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'msg')


class ExternalSchedulerNotAvailable(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name',)
