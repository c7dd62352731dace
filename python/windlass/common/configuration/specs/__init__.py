"""Classes of settings."""

from windlass.common.configuration.specs.base_configuration import (
    BaseConfiguration,
    CredentialsConfiguration,
    NotResolved,
)

__all__ = ["BaseConfiguration", "CredentialsConfiguration", "NotResolved"]
