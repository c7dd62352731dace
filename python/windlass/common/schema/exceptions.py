"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class SchemaException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'msg')


class InvalidSchemaName(ValueError, SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name',)


class CannotCoerceColumnException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'column_name', 'from_type', 'to_type', 'coerced_value')


class TablePropertiesConflictException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'prop_name', 'val1', 'val2')


class ParentTableNotFoundException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'parent_table_name', 'explanation')


class CannotCoerceNullException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'column_name')


class SchemaCorruptedException(SchemaException):
    pass


class SchemaIdentifierNormalizationCollision(SchemaCorruptedException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'identifier_type', 'identifier_name', 'conflict_identifier_name', 'naming_name', 'collision_msg')


class SchemaEngineNoUpgradePathException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'init_engine', 'from_engine', 'to_engine')


class DataValidationError(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'column_name', 'schema_entity', 'contract_mode', 'table_schema', 'schema_contract', 'data_item', 'extended_info')


class TableNotFound(KeyError, SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name')


class TableIdentifiersFrozen(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'to_naming', 'from_naming', 'details')


class IncompatibleSchemaException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'other_name', 'reason')


class ColumnNameConflictException(SchemaException):
    pass


class UnboundColumnException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'columns')


class UnboundColumnWithoutTypeException(SchemaException):
    _fields: ClassVar[Tuple[str, ...]] = ('schema_name', 'table_name', 'columns')
