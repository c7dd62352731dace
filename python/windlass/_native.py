"""The engine, loaded when it is first needed: `import windlass` stays fast."""

import re
from types import ModuleType
from typing import Any, Optional

_module: Optional[ModuleType] = None


#: Flags of the command line in remedies, and what a program has in their place.
_FLAGS = (
    (re.compile(r",? (?:for example with|or use) `--wait [^`]*`"), ""),
    (re.compile(r"`--max-memory` or max_memory"), "the setting `max_memory`"),
    (re.compile(r"for example `--max-memory (\w+)`"), r'for example by the setting `max_memory = "\1"`'),
    (re.compile(r"`--refresh (\w+)`"), r'`refresh="\1"`'),
)


def _told(error: Any) -> str:
    """An error of the engine with its remedy, wherever it comes out."""
    text = str(error.args[0]) if error.args else ""
    hint = getattr(error, "hint", None)
    text = f"{text}. {hint}" if hint else text
    for flag, instead in _FLAGS:
        text = flag.sub(instead, text)
    return text


def native() -> Any:
    """The extension module."""
    global _module
    if _module is None:
        import windlass._windlass as module

        _module = module
        module.EngineError.__str__ = _told  # type: ignore[method-assign, assignment]
        # What is secret is known to the engine before it says anything.
        from windlass.common import masking

        masking._engine()
    return _module
