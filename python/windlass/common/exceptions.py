"""Exceptions of everything."""

from typing import ClassVar, Tuple

from windlass.common._exception import DltException


class UnsupportedProcessStartMethodException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('method',)


class CannotInstallDependencies(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('dependencies', 'interpreter', 'output')


class VenvNotFound(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('interpreter',)


class ValueErrorWithKnownValues(ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('key', 'value_received', 'valid_values')


class TypeErrorWithKnownTypes(TypeError):
    _fields: ClassVar[Tuple[str, ...]] = ('key', 'value_received', 'valid_types')


class TerminalException(BaseException):
    pass


class TransientException(BaseException):
    pass


class TerminalValueError(ValueError, TerminalException):
    pass


class SignalReceivedException(KeyboardInterrupt, TerminalException):
    _fields: ClassVar[Tuple[str, ...]] = ('signal_code',)


class DictValidationException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('msg', 'path', 'expected_type', 'field', 'value', 'nested_exceptions')


class ArgumentsOverloadException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('msg', 'func_name')


class MissingDependencyException(DltException, ImportError):
    _fields: ClassVar[Tuple[str, ...]] = ('caller', 'dependencies', 'appendix')


class DependencyVersionException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('pkg_name', 'version_found', 'version_required', 'appendix')


class SystemConfigurationException(DltException):
    pass


class PipelineException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'msg')


class PipelineStateNotAvailable(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_state_key',)


class ResourceNameNotAvailable(PipelineException):
    pass


class SourceSectionNotAvailable(PipelineException):
    pass
