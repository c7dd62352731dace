"""Settings and secrets."""

from windlass.common.configuration.inject import with_config
from windlass.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigFileNotFoundException,
    ConfigurationValueError,
)

__all__ = ["ConfigFieldMissingException", "ConfigFileNotFoundException", "ConfigurationValueError", "with_config", "configspec"]


def configspec(cls: type = None, **_: object) -> object:  # type: ignore[assignment]
    """Makes a class of settings: its fields become those of a dataclass."""
    import dataclasses

    def decorate(kind: type) -> type:
        for name, hint in list(getattr(kind, "__annotations__", {}).items()):
            if not hasattr(kind, name):
                setattr(kind, name, None)
            value = getattr(kind, name)
            if isinstance(value, (list, dict, set)):
                setattr(kind, name, dataclasses.field(default_factory=lambda value=value: type(value)(value)))
        return dataclasses.dataclass(kind)

    return decorate if cls is None else decorate(cls)
