"""Settings and secrets."""

from typing import Any

from windlass.common.configuration.inject import with_config
from windlass.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigFileNotFoundException,
    ConfigurationValueError,
)

__all__ = ["ConfigFieldMissingException", "ConfigFileNotFoundException", "ConfigurationValueError", "with_config", "configspec"]


def configspec(cls: Any = None, **_: Any) -> Any:
    """Makes a class of settings: its fields become those of a dataclass."""
    import copy
    import dataclasses
    import functools

    def decorate(kind: Any) -> Any:
        for name in list(getattr(kind, "__annotations__", {})):
            value = getattr(kind, name, None)
            if isinstance(value, (list, dict, set)):
                setattr(kind, name, dataclasses.field(default_factory=functools.partial(copy.copy, value)))
            elif not hasattr(kind, name):
                setattr(kind, name, None)
        # Values may be secrets: they are not printed.
        return dataclasses.dataclass(repr=False)(kind)

    return decorate if cls is None else decorate(cls)
