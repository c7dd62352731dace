"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.destination.exceptions import DestinationTerminalException


class InvalidInMemoryDuckdbCredentials(DestinationTerminalException):
    pass


class IcebergViewException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('dbapi_exception', 'note')
