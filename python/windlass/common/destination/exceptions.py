"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException, TerminalException, TransientException
from windlass.common.reflection.exceptions import ReferenceImportError


class DestinationException(DltException):
    pass


class UnknownDestinationModule(ReferenceImportError, DestinationException, KeyError):
    _fields: ClassVar[Tuple[str, ...]] = ('ref', 'qualified_refs', 'traces', 'destination_type', 'named_dest_attempted')


class InvalidDestinationReference(DestinationException):
    _fields: ClassVar[Tuple[str, ...]] = ('refs',)


class DestinationTerminalException(DestinationException, TerminalException):
    pass


class DestinationUndefinedEntity(DestinationTerminalException):
    pass


class DestinationTransientException(DestinationException, TransientException):
    pass


class DestinationLoadingViaStagingNotSupported(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination',)


class DestinationLoadingWithoutStagingNotSupported(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination',)


class DestinationNoStagingMode(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination',)


class DestinationIncompatibleLoaderFileFormatException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination', 'staging', 'file_format', 'supported_formats')


class IdentifierTooLongException(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination_name', 'identifier_type', 'identifier_name', 'max_identifier_length')


class UnsupportedDataType(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination_type', 'table_name', 'column', 'data_type', 'file_format', 'available_in_formats', 'more_info')


class WithJobError:
    pass


class DestinationHasFailedJobs(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination_name', 'load_id', 'failed_jobs')


class DestinationSchemaTampered(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'version_hash', 'stored_version_hash')


class SchemaUpdateError(DestinationException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_names', 'cause', 'staging_dataset')


class SchemaUpdateTransientError(SchemaUpdateError, DestinationTransientException):
    pass


class SchemaUpdateTerminalError(SchemaUpdateError, DestinationTerminalException):
    pass


class DestinationCapabilitiesException(DestinationException):
    pass


class WriteDispositionNotSupported(DestinationCapabilitiesException):
    _fields: ClassVar[Tuple[str, ...]] = ('write_disposition', 'message')


class DestinationInvalidFileFormat(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination_type', 'file_format', 'file_name', 'message')


class TableFormatNotSupported(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('table_format', 'table_name', 'message')


class OpenTableFormatNotSupported(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('table_format', 'table_name', 'detected_table_format')


class OpenTableCatalogNotSupported(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('table_format', 'destination_type')


class SqlClientNotAvailable(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('entity_type', 'entity_name', 'destination_name')


class DatasetNotAvailable(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('destination_name',)


class OpenTableClientNotAvailable(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('dataset_name', 'destination_name')


class FSClientNotAvailable(DestinationTerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'destination_name')
