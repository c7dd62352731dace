"""Logs: the logger `windlass`, which the engine writes to as well."""

import logging
from typing import Optional

from windlass._native import native
from windlass.common.configuration.resolve import lookup
from windlass.common.exceptions import ValueErrorWithKnownValues

#: The levels of the setting `runtime.log_level`.
LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")

#: What a line looks like where the program has no handlers of its own.
_FORMAT = "%(asctime)s|%(levelname)s|%(process)d|%(name)s|%(message)s"


def configure(pipeline_name: Optional[str] = None) -> None:
    """Takes the level of `RUNTIME__LOG_LEVEL`, if it is set, and lets the engine log as much as somebody wants to see."""
    logger = logging.getLogger("windlass")
    level, _ = lookup("log_level", ("runtime",), pipeline=pipeline_name)
    if level is not None:
        name = str(level).strip().upper()
        if name not in LEVELS:
            raise ValueErrorWithKnownValues("log_level", level, LEVELS)
        logger.setLevel(name)
        if not logger.hasHandlers():
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter(_FORMAT))
            logger.addHandler(handler)
    native().set_log_level(logger.getEffectiveLevel())
