"""What scripts take from `dlt.common`: `json`, `pendulum`, `Decimal`, types and exceptions."""

from decimal import Decimal
from typing import Any

__all__ = ["Decimal", "json", "logger", "pendulum"]


def __getattr__(name: str) -> Any:
    import importlib

    if name == "json":
        return importlib.import_module("windlass.common.json")
    if name == "logger":
        import logging

        return logging.getLogger("windlass")
    if name == "pendulum":
        try:
            return importlib.import_module("pendulum")
        except ImportError as cause:
            from windlass.common.exceptions import MissingDependencyException

            raise MissingDependencyException(
                "windlass.common.pendulum",
                ["pendulum"],
                msg="windlass itself needs no pendulum: install it for scripts that do, or use datetime",
            ) from cause
    raise AttributeError(f"module 'windlass.common' has no attribute '{name}'")
