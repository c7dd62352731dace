"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException, TerminalValueError


class StorageException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('msg',)


class NoMigrationPathException(StorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('storage_path', 'initial_version', 'migrated_version', 'target_version')


class WrongStorageVersionException(StorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('storage_path', 'initial_version', 'target_version')


class UnsupportedStorageVersionException(StorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('storage_path', 'initial_version', 'current_version', 'supported_versions')


class StorageMigrationError(StorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('storage_path', 'from_version', 'target_version', 'info')


class LoadStorageException(StorageException):
    pass


class JobFileFormatUnsupported(LoadStorageException, TerminalValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'supported_formats', 'wrong_job')


class LoadPackageNotFound(LoadStorageException, FileNotFoundError):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id',)


class LoadPackageCancelled(LoadStorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id',)


class LoadPackageAlreadyCompleted(LoadStorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id',)


class LoadPackageNotCompleted(LoadStorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id',)


class LoadPackageInconsistent(LoadStorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('load_id', 'msg')


class SchemaStorageException(StorageException):
    pass


class InStorageSchemaModified(SchemaStorageException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'storage_path')


class SchemaNotFoundError(SchemaStorageException, FileNotFoundError, KeyError):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'storage_path', 'import_path', 'import_format')


class UnexpectedSchemaName(SchemaStorageException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'storage_path', 'stored_name')


class CurrentLoadPackageStateNotAvailable(StorageException):
    pass
