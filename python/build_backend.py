"""Builds the wheel by maturin, after the DuckDB library was fetched that the extension is linked to."""

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

from maturin import *  # noqa: F401,F403  (the hooks that need no library)
import maturin

ROOT = Path(__file__).resolve().parent.parent


def _fetch_duckdb() -> None:
    script = ROOT / "scripts" / "fetch-duckdb"
    if script.exists() and not os.environ.get("DUCKDB_LIB_DIR"):
        subprocess.run([str(script)], check=True)


def build_wheel(
    wheel_directory: str,
    config_settings: Optional[Dict[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    _fetch_duckdb()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: Optional[Dict[str, Any]] = None,
    metadata_directory: Optional[str] = None,
) -> str:
    _fetch_duckdb()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


def get_requires_for_build_wheel(config_settings: Optional[Dict[str, Any]] = None) -> List[str]:
    return []


def get_requires_for_build_editable(config_settings: Optional[Dict[str, Any]] = None) -> List[str]:
    return []
