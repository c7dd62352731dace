"""The engine, loaded when it is first needed: `import windlass` stays fast."""

from types import ModuleType
from typing import Any, Optional

_module: Optional[ModuleType] = None


def native() -> Any:
    """The extension module."""
    global _module
    if _module is None:
        import windlass._windlass as module

        _module = module
        # What is secret is known to the engine before it says anything.
        from windlass.common import masking

        masking._engine()
    return _module
