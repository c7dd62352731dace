"""Secrets by their value: what is learnt here stands in no message, log or trace, whoever wrote it and however it is escaped.

The engine keeps the list, so that there is one for both.
"""

from typing import Any, List, Tuple

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
    """A text without secrets."""
    return str(_engine().masked(str(text)))


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
