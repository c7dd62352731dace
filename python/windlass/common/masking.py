"""Secrets by their value: what is learnt here stands in no message, log or trace, whoever wrote it and however it is escaped.

The engine keeps the list, so that there is one for both.
"""

import html
import re
from typing import Any, List, Tuple
from urllib.parse import unquote

from windlass import _native

#: What was learnt before the engine was loaded: the name of its function and the arguments.
_waiting: List[Tuple[str, Tuple[str, ...]]] = []


def _tell(function: str, *args: str) -> None:
    if _native._module is None:
        _waiting.append((function, args))
    else:
        getattr(_engine(), function)(*args)


def _engine() -> Any:
    engine = _native.native()
    while _waiting:
        function, args = _waiting.pop()
        getattr(engine, function)(*args)
    return engine


def learn(value: Any) -> None:
    """Remembers a secret."""
    if isinstance(value, str) and value:
        _tell("learn_secret", value)


def learn_setting(key: str, value: Any) -> None:
    """Remembers what is secret of a setting: by its name, or the password and tokens of an address."""
    if isinstance(value, dict):
        for name, inner in value.items():
            learn_setting(str(name), inner)
    elif isinstance(value, str):
        _tell("learn_setting", key, value)


def masked(text: Any) -> str:
    """A text without secrets. Where one was escaped beyond what the engine looks through, it comes unescaped."""
    engine = _engine()
    shown = str(engine.masked(_whole(str(text))))
    known, waiting = {shown}, [shown]
    while waiting and len(known) < _MAX_FORMS:
        escaped = waiting.pop(0)
        for unescape in (_of_json, html.unescape, _of_url):
            plain = unescape(escaped)
            if plain in known:
                continue
            known.add(plain)
            without = str(engine.masked(plain))
            if without != plain:
                return masked(without)
            waiting.append(plain)
    return shown


#: Forms of a text that are looked at: an answer may stand in a JSON text within another.
_MAX_FORMS = 24

_JSON_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt\'])')
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _of_json(text: str) -> str:
    return _whole(_JSON_ESCAPE.sub(_letter, text)) if "\\" in text else text


def _whole(text: str) -> str:
    """A text without halves of characters: two that belong together are one, and the engine takes no others."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _of_url(text: str) -> str:
    return unquote(text) if "%25" in text else text


def _letter(found: "re.Match[str]") -> str:
    escape = found.group(1)
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _LETTERS.get(escape, escape)


def masked_url(url: str) -> str:
    """A URL for people: without user, password and secrets, and with the values of harmless parameters only."""
    return str(_engine().masked_url(url))


def is_secret_name(name: str) -> bool:
    """Whether a setting, parameter or field of this name holds what nobody should read."""
    return bool(_engine().is_secret_name(name))


class _Filter:
    """Takes secrets out of records of a log."""

    def filter(self, record: Any) -> bool:
        """Rewrites the record; it is always kept."""
        import logging

        try:
            text = record.getMessage()
        except Exception:
            return True
        shown = masked(text)
        if shown != text:
            record.msg, record.args = shown, None
        if record.exc_info and not record.exc_text:
            record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
        return True


_filter = _Filter()


def logger() -> Any:
    """The log of the package, in which no secret stands."""
    import logging

    log = logging.getLogger("windlass")
    if _filter not in log.filters:
        log.addFilter(_filter)
    return log
