"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.destination.exceptions import DestinationTerminalException, DestinationTransientException, WithJobError


class LoadClientJobException(Exception, WithJobError):
    pass


class LoadClientJobFailed(DestinationTerminalException, LoadClientJobException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'job_id', 'failed_message', 'exception')


class LoadClientJobTerminalRetry(DestinationTerminalException, LoadClientJobException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'job_id', 'failed_message', 'exception')


class LoadPackageAborted(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'job_exception')


class LoadClientJobRetry(DestinationTransientException, LoadClientJobException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'job_id', 'retry_count', 'max_retry_count', 'failed_message', 'exception')


class LoadClientUnsupportedFileFormats(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_format', 'supported_file_format', 'file_path')


class LoadClientUnsupportedWriteDisposition(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('table_name', 'write_disposition', 'file_name')


class FollowupJobCreationFailedException(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('job_id',)


class TableChainFollowupJobCreationFailedException(DestinationTransientException):
    _fields: ClassVar[Tuple[str, ...]] = ('root_table_name', 'details')
