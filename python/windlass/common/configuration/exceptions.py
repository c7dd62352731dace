"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException, TerminalException


class ConfigurationException(DltException, TerminalException):
    pass


class ConfigurationValueError(ConfigurationException, ValueError):
    pass


class ContainerException(DltException):
    pass


class ConfigProviderException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('provider_name',)


class ConfigurationWrongTypeException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('_typ',)


class ConfigFieldMissingException(KeyError, ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('config', 'traces')


class UnmatchedConfigHintResolversException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('spec_name', 'field_names')


class FinalConfigFieldException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('spec_name', 'field')


class ConfigValueCannotBeCoercedException(ConfigurationValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('field_name', 'field_value', 'hint')


class ConfigFileNotFoundException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('path',)


class ConfigFieldMissingTypeHintException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('field_name', 'spec')


class ConfigFieldTypeHintNotSupported(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('field_name', 'spec', 'typ_')


class ValueNotSecretException(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('provider_name', 'key')


class InvalidNativeValue(ConfigurationException):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value_type', 'embedded_sections', 'inner_exception')


class ContainerInjectableContextMangled(ContainerException):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'existing_config', 'expected_config')


class ContextDefaultCannotBeCreated(ContainerException, KeyError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec',)


class DuplicateConfigProviderException(ConfigProviderException):
    _fields: ClassVar[Tuple[str, ...]] = ('provider_name',)
