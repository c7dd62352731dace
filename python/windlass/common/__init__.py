"""What scripts take from `dlt.common`: `json`, `pendulum`, `Decimal`, types and exceptions."""

from decimal import Decimal
from time import sleep
from typing import Any

__all__ = ["Decimal", "Wei", "json", "logger", "pendulum", "sleep"]


def __getattr__(name: str) -> Any:
    import importlib

    if name in ("json", "pendulum"):
        return importlib.import_module(f"windlass.common.{name}")
    if name == "Wei":
        return importlib.import_module("windlass.common.wei").Wei
    if name == "logger":
        import logging

        from windlass.common.masking import logger

        return logger()
    raise AttributeError(f"module 'windlass.common' has no attribute '{name}'")
