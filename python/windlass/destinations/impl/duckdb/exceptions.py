"""Exceptions with the reference's names and hierarchy."""

from windlass.common.destination.exceptions import DestinationTerminalException


class InvalidInMemoryDuckdbCredentials(DestinationTerminalException):
    pass


class IcebergViewException(DestinationTerminalException):
    _fields = ('dbapi_exception', 'note')
