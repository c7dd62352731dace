"""Exceptions of everything."""

import difflib
from typing import Any, ClassVar, Sequence, Tuple

from windlass.common._exception import DltException


class UnsupportedProcessStartMethodException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('method',)


class CannotInstallDependencies(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('dependencies', 'interpreter', 'output')


class VenvNotFound(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('interpreter',)


def nearest_first(value: Any, known: Sequence[Any]) -> Sequence[Any]:
    """The values that are known, the one that was probably meant first."""
    texts = [text for text in known if isinstance(text, str)]
    near = difflib.get_close_matches(str(value), texts, n=1)
    return [*near, *(other for other in known if other not in near)] if near else known


def choices(value: Any, known: Sequence[Any], limit: int = 60) -> str:
    """`did you mean ..? there are ..`: all that is known, the nearest first. Every error about a word ends with it."""
    ordered = list(nearest_first(value, [one for one in known if one is not None]))
    if not ordered:
        return "there is none"
    is_near = bool(difflib.get_close_matches(str(value), [str(ordered[0])], n=1))
    if len(ordered) == 1:
        return f"did you mean `{ordered[0]}`? there is no other" if is_near else f"there is only {ordered[0]}"
    shown = ", ".join(str(one) for one in ordered[:limit])
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return (f"did you mean `{ordered[0]}`? " if is_near else "") + f"there are {shown}{more}"


class ValueErrorWithKnownValues(ValueError):
    """A value that is none of those which are known."""

    def __init__(self, key: str, value_received: Any = None, valid_values: Sequence[Any] = ()) -> None:
        if not valid_values:
            # All of it is said already.
            super().__init__(key)
            return
        self.key = key
        self.value_received = value_received
        valid_values = nearest_first(value_received, valid_values)
        self.valid_values = valid_values
        super().__init__(f"Received invalid value `{key}={value_received}`. Valid values are: {list(valid_values)}")


class TypeErrorWithKnownTypes(TypeError):
    """A value whose type is none of those which are known."""

    def __init__(self, key: str, value_received: Any, valid_types: Sequence[str]) -> None:
        self.key = key
        self.value_received = value_received
        self.valid_types = valid_types
        super().__init__(
            f"Received invalid value `{key}={value_received}` of type `{type(value_received).__name__}`. "
            f"Valid types are: {list(valid_types)}"
        )


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
