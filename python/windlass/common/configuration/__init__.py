"""Settings and secrets."""

from typing import Any

from windlass.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigFileNotFoundException,
    ConfigurationValueError,
    ConfigValueCannotBeCoercedException,
)
from windlass.common.configuration.inject import with_config
from windlass.common.typing import is_secret_hint

#: What needs the classes of settings, which are loaded when they are asked for: `import windlass` stays fast.
_LATER = {
    "NotResolved": "windlass.common.configuration.specs.base_configuration",
    "configspec": "windlass.common.configuration.specs.base_configuration",
    "inject_section": "windlass.common.configuration.specs.resolving",
    "last_config": "windlass.common.configuration.specs.resolving",
    "resolve_configuration": "windlass.common.configuration.specs.resolving",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import importlib

        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'windlass.common.configuration' has no attribute '{name}'")


__all__ = [
    "ConfigFieldMissingException",
    "ConfigFileNotFoundException",
    "ConfigValueCannotBeCoercedException",
    "ConfigurationValueError",
    "NotResolved",
    "configspec",
    "inject_section",
    "is_secret_hint",
    "last_config",
    "resolve_configuration",
    "with_config",
]
