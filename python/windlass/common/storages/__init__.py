"""Files and where they are, and packages on disk."""

from typing import Any

from windlass.common.storages.load_package import LoadJobInfo, LoadPackageInfo, ParsedLoadJobFileName

__all__ = ["LoadJobInfo", "LoadPackageInfo", "ParsedLoadJobFileName"]


def __getattr__(name: str) -> Any:
    if name == "FilesystemConfiguration":
        from windlass.common.storages.configuration import FilesystemConfiguration

        return FilesystemConfiguration
    if name in ("fsspec_from_config",):
        from windlass.common.storages.fsspec_filesystem import fsspec_from_config

        return fsspec_from_config
    raise AttributeError(f"module 'windlass.common.storages' has no attribute '{name}'")
