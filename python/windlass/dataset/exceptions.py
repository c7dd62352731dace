"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class DatasetException(DltException):
    pass


class RelationHasQueryException(DatasetException):
    _fields: ClassVar[Tuple[str, ...]] = ('attempted_change',)


class RelationUnknownColumnException(DatasetException):
    _fields: ClassVar[Tuple[str, ...]] = ('column_name',)


class LineageFailedException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('msg', 'resource_name')
