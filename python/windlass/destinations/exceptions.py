"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.destination.exceptions import DestinationException, DestinationTerminalException, DestinationTransientException, DestinationUndefinedEntity


class DatabaseException(DestinationException):
    _fields: ClassVar[Tuple[str, ...]] = ('dbapi_exception',)


class DatabaseTerminalException(DestinationTerminalException, DatabaseException):
    _fields: ClassVar[Tuple[str, ...]] = ('dbapi_exception',)


class DatabaseUndefinedRelation(DestinationUndefinedEntity, DatabaseException):
    _fields: ClassVar[Tuple[str, ...]] = ('dbapi_exception',)


class DatabaseTransientException(DestinationTransientException, DatabaseException):
    _fields: ClassVar[Tuple[str, ...]] = ('dbapi_exception',)


class DestinationConnectionError(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('client_type', 'dataset_name', 'reason', 'inner_exc')


class LoadClientNotConnected(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('client_type', 'dataset_name')


class DestinationSchemaWillNotUpdate(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('table_name', 'columns', 'msg')


class LoadJobNotExistsException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('job_id',)


class LoadJobTerminalException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_path', 'message')


class LoadJobTransientException(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_path', 'message')


class LoadJobInvalidStateTransitionException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('from_state', 'to_state')


class LoadJobFileTooBig(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_name', 'max_size')


class MergeDispositionException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('dataset_name', 'staging_dataset_name', 'tables', 'reason')


class InvalidFilesystemLayout(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('layout', 'expected_placeholders', 'extra_placeholders', 'invalid_placeholders', 'unused_placeholders')


class InvalidPlaceholderCallback(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('callback_name',)


class CantExtractTablePrefix(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('layout', 'details')
