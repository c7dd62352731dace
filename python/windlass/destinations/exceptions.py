"""Exceptions with the reference's names and hierarchy."""

from windlass.common.destination.exceptions import DestinationException, DestinationTerminalException, DestinationTransientException, DestinationUndefinedEntity


class DatabaseException(DestinationException):
    _fields = ('dbapi_exception',)


class DatabaseTerminalException(DestinationTerminalException, DatabaseException):
    _fields = ('dbapi_exception',)


class DatabaseUndefinedRelation(DestinationUndefinedEntity, DatabaseException):
    _fields = ('dbapi_exception',)


class DatabaseTransientException(DestinationTransientException, DatabaseException):
    _fields = ('dbapi_exception',)


class DestinationConnectionError(DestinationTransientException):
    _fields = ('client_type', 'dataset_name', 'reason', 'inner_exc')


class LoadClientNotConnected(DestinationTransientException):
    _fields = ('client_type', 'dataset_name')


class DestinationSchemaWillNotUpdate(DestinationTerminalException):
    _fields = ('table_name', 'columns', 'msg')


class LoadJobNotExistsException(DestinationTerminalException):
    _fields = ('job_id',)


class LoadJobTerminalException(DestinationTerminalException):
    _fields = ('file_path', 'message')


class LoadJobTransientException(DestinationTransientException):
    _fields = ('file_path', 'message')


class LoadJobInvalidStateTransitionException(DestinationTerminalException):
    _fields = ('from_state', 'to_state')


class LoadJobFileTooBig(DestinationTerminalException):
    _fields = ('file_name', 'max_size')


class MergeDispositionException(DestinationTerminalException):
    _fields = ('dataset_name', 'staging_dataset_name', 'tables', 'reason')


class InvalidFilesystemLayout(DestinationTerminalException):
    _fields = ('layout', 'expected_placeholders', 'extra_placeholders', 'invalid_placeholders', 'unused_placeholders')


class InvalidPlaceholderCallback(DestinationTransientException):
    _fields = ('callback_name',)


class CantExtractTablePrefix(DestinationTerminalException):
    _fields = ('layout', 'details')
