"""Packages on disk."""

from windlass.common.storages.load_package import LoadJobInfo, LoadPackageInfo, ParsedLoadJobFileName

__all__ = ["LoadJobInfo", "LoadPackageInfo", "ParsedLoadJobFileName"]
