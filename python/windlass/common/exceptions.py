"""Exceptions of everything."""

from windlass.common._exception import DltException


class UnsupportedProcessStartMethodException(DltException):
    _fields = ('method',)


class CannotInstallDependencies(DltException):
    _fields = ('dependencies', 'interpreter', 'output')


class VenvNotFound(DltException):
    _fields = ('interpreter',)


class ValueErrorWithKnownValues(ValueError):
    _fields = ('key', 'value_received', 'valid_values')


class TypeErrorWithKnownTypes(TypeError):
    _fields = ('key', 'value_received', 'valid_types')


class TerminalException(BaseException):
    pass


class TransientException(BaseException):
    pass


class TerminalValueError(ValueError, TerminalException):
    pass


class SignalReceivedException(KeyboardInterrupt, TerminalException):
    _fields = ('signal_code',)


class DictValidationException(DltException):
    _fields = ('msg', 'path', 'expected_type', 'field', 'value', 'nested_exceptions')


class ArgumentsOverloadException(DltException):
    _fields = ('msg', 'func_name')


class MissingDependencyException(DltException, ImportError):
    _fields = ('caller', 'dependencies', 'appendix')


class DependencyVersionException(DltException):
    _fields = ('pkg_name', 'version_found', 'version_required', 'appendix')


class SystemConfigurationException(DltException):
    pass


class PipelineException(DltException):
    _fields = ('pipeline_name', 'msg')


class PipelineStateNotAvailable(PipelineException):
    _fields = ('source_state_key',)


class ResourceNameNotAvailable(PipelineException):
    pass


class SourceSectionNotAvailable(PipelineException):
    pass
