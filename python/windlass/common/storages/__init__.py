"""Files and where they are."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "FilesystemConfiguration":
        from windlass.common.storages.configuration import FilesystemConfiguration

        return FilesystemConfiguration
    if name in ("fsspec_from_config",):
        from windlass.common.storages.fsspec_filesystem import fsspec_from_config

        return fsspec_from_config
    raise AttributeError(f"module 'windlass.common.storages' has no attribute '{name}'")
