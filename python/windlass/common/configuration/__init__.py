"""Settings and secrets."""

from typing import TYPE_CHECKING, Any, Callable, Type, TypeVar, overload

from windlass.common.configuration.inject import with_config
from windlass.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigFileNotFoundException,
    ConfigurationValueError,
)

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda function: function


TConfig = TypeVar("TConfig")

__all__ = ["ConfigFieldMissingException", "ConfigFileNotFoundException", "ConfigurationValueError", "with_config", "configspec"]


@overload
def configspec(cls: Type[TConfig], **_: Any) -> Type[TConfig]: ...


@overload
def configspec(cls: None = None, **_: Any) -> Callable[[Type[TConfig]], Type[TConfig]]: ...


@dataclass_transform()
def configspec(cls: Any = None, **_: Any) -> Any:
    """Makes a class of settings: its fields become those of a dataclass."""
    import copy
    import dataclasses
    import functools
    import inspect

    def decorate(kind: Any) -> Any:
        for name in list(inspect.get_annotations(kind)):
            value = getattr(kind, name, None)
            if isinstance(value, (list, dict, set)):
                setattr(kind, name, dataclasses.field(default_factory=functools.partial(copy.copy, value)))
            elif not hasattr(kind, name):
                setattr(kind, name, None)
        # Values may be secrets: they are not printed.
        return dataclasses.dataclass(repr=False)(kind)

    return decorate if cls is None else decorate(cls)
