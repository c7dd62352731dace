"""Settings for the arguments of sources."""

from windlass.common.configuration.inject import with_config
from windlass.common.configuration.specs import configspec

__all__ = ["configspec", "with_config"]
