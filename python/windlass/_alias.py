"""`import dlt` means windlass."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any, Optional, Sequence


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `dlt.x` as `windlass.x`."""

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname == "dlt" or fullname.startswith("dlt."):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return importlib.import_module("windlass" + spec.name[3:])

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do: the module is windlass's own."""


def install() -> None:
    """Makes `import dlt` mean windlass. Modules of dlt that are loaded already stay out."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in [name for name in sys.modules if name == "dlt" or name.startswith("dlt.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder())
    for name, module in list(sys.modules.items()):
        if name == "windlass" or name.startswith("windlass."):
            sys.modules["dlt" + name[len("windlass") :]] = module
