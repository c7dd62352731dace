"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class DataWriterException(DltException):
    pass


class InvalidFileNameTemplateException(DataWriterException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('file_name_template',)


class InvalidEncoding(DataWriterException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('encoding',)


class InvalidEncodingErrors(DataWriterException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('encoding_errors',)


class BufferedDataWriterClosed(DataWriterException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_name',)


class FileImportNotFound(DataWriterException, FileNotFoundError):
    _fields: ClassVar[Tuple[str, ...]] = ('import_file_path', 'local_file_path')


class DestinationCapabilitiesRequired(DataWriterException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('file_format',)


class DataWriterNotFound(DataWriterException):
    pass


class FileFormatForItemFormatNotFound(DataWriterNotFound):
    _fields: ClassVar[Tuple[str, ...]] = ('file_format', 'data_item_format')


class FileSpecNotFound(KeyError, DataWriterNotFound):
    _fields: ClassVar[Tuple[str, ...]] = ('file_format', 'data_item_format', 'spec')


class SpecLookupFailed(DataWriterNotFound):
    _fields: ClassVar[Tuple[str, ...]] = ('data_item_format', 'possible_file_formats', 'file_format')


class InvalidDataItem(DataWriterException):
    _fields: ClassVar[Tuple[str, ...]] = ('file_format', 'data_item_format', 'details')


class FileRotationRequired(DataWriterException):
    _fields: ClassVar[Tuple[str, ...]] = ('items',)


class IncompatibleArrowSchema(DataWriterException):
    _fields: ClassVar[Tuple[str, ...]] = ('reason', 'details')
