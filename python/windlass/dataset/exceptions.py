"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException


class DatasetException(DltException):
    pass


class RelationHasQueryException(DatasetException):
    _fields = ('attempted_change',)


class RelationUnknownColumnException(DatasetException):
    _fields = ('column_name',)


class LineageFailedException(DltException):
    _fields = ('msg', 'resource_name')
