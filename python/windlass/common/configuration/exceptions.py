"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException, TerminalException


class ConfigurationException(DltException, TerminalException):
    pass


class ConfigurationValueError(ConfigurationException, ValueError):
    pass


class ContainerException(DltException):
    pass


class ConfigProviderException(ConfigurationException):
    _fields = ('provider_name',)


class ConfigurationWrongTypeException(ConfigurationException):
    _fields = ('_typ',)


class ConfigFieldMissingException(KeyError, ConfigurationException):
    _fields = ('config', 'traces')


class UnmatchedConfigHintResolversException(ConfigurationException):
    _fields = ('spec_name', 'field_names')


class FinalConfigFieldException(ConfigurationException):
    _fields = ('spec_name', 'field')


class ConfigValueCannotBeCoercedException(ConfigurationValueError):
    _fields = ('field_name', 'field_value', 'hint')


class ConfigFileNotFoundException(ConfigurationException):
    _fields = ('path',)


class ConfigFieldMissingTypeHintException(ConfigurationException):
    _fields = ('field_name', 'spec')


class ConfigFieldTypeHintNotSupported(ConfigurationException):
    _fields = ('field_name', 'spec', 'typ_')


class ValueNotSecretException(ConfigurationException):
    _fields = ('provider_name', 'key')


class InvalidNativeValue(ConfigurationException):
    _fields = ('spec', 'native_value_type', 'embedded_sections', 'inner_exception')


class ContainerInjectableContextMangled(ContainerException):
    _fields = ('spec', 'existing_config', 'expected_config')


class ContextDefaultCannotBeCreated(ContainerException, KeyError):
    _fields = ('spec',)


class DuplicateConfigProviderException(ConfigProviderException):
    _fields = ('provider_name',)
