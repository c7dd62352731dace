"""Pipelines."""

from typing import Any


def __getattr__(name: str) -> Any:
    # `pipeline` is the module beside these functions, as it is loaded first.
    if name in ("attach", "run"):
        import importlib

        return getattr(importlib.import_module("windlass.pipeline.make"), name)
    raise AttributeError(f"module 'windlass.pipeline' has no attribute '{name}'")

