"""Which exception of the reference an error of the engine is: by its code, never by its words."""

import functools
from typing import Any, Callable, Dict, NamedTuple, Optional

from windlass._native import native
from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.destination.exceptions import (
    DestinationTerminalException,
    DestinationTransientException,
    WriteDispositionNotSupported,
)
from windlass.common.exceptions import PipelineException
from windlass.common.schema.exceptions import CannotCoerceNullException, DataValidationError, SchemaCorruptedException
from windlass.destinations.exceptions import CantExtractTablePrefix, InvalidFilesystemLayout
from windlass.extract.incremental.exceptions import (
    IncrementalCursorInvalidCoercion,
    IncrementalCursorPathHasValueNone,
    IncrementalCursorPathMissing,
    IncrementalPrimaryKeyMissing,
)


class Asked(NamedTuple):
    """What Python knows of a cursor that it asked the engine about."""

    pipe: Optional[str] = None
    path: Optional[str] = None
    primary_key: Any = None
    item: Any = None


def exception_of(cause: Any, asked: Optional[Asked] = None) -> Exception:
    """The exception for an error of the engine; for a code that nobody knows a plain `PipelineException` with the text."""
    make = EXCEPTIONS.get(cause.code) or _PLAIN.get(_kinds().get(cause.code, ""), _unknown)
    return make(cause, asked or Asked(cause.at.get("resource"), cause.detail.get("cursor_path")))


@functools.lru_cache(maxsize=1)
def _kinds() -> Dict[str, str]:
    return dict(native().error_codes())


Make = Callable[[Any, Asked], Exception]


def _frozen(cause: Any, asked: Asked) -> Exception:
    detail, at = cause.detail, cause.at
    table, column = detail.get("table", at.get("table")), detail.get("column", at.get("column"))
    source, entity, mode = at.get("source"), detail.get("entity"), detail.get("mode")
    return DataValidationError(source, table, column, entity, mode, None, None, None, None, message=str(cause))


def _null(cause: Any, asked: Asked) -> Exception:
    at = cause.at
    return CannotCoerceNullException(at.get("source"), at.get("table"), at.get("column"), message=str(cause))


def _schema(cause: Any, asked: Asked) -> Exception:
    return SchemaCorruptedException(cause.at.get("source"), message=str(cause))


def _disposition(cause: Any, asked: Asked) -> Exception:
    return WriteDispositionNotSupported(cause.detail.get("disposition"), message=str(cause))


def _placeholder(cause: Any, asked: Asked) -> Exception:
    return InvalidFilesystemLayout(None, msg=str(cause))


def _prefix(cause: Any, asked: Asked) -> Exception:
    return CantExtractTablePrefix(None, msg=str(cause))


def _in_pipe(cause: Any, asked: Asked) -> str:
    return f"In processing pipe `{asked.pipe}`: {cause}" if asked.pipe else str(cause)


def _cursor_missing(cause: Any, asked: Asked) -> Exception:
    return IncrementalCursorPathMissing(asked.pipe, asked.path, asked.item, msg=_in_pipe(cause, asked))


def _cursor_null(cause: Any, asked: Asked) -> Exception:
    return IncrementalCursorPathHasValueNone(asked.pipe, asked.path, asked.item, msg=_in_pipe(cause, asked))


def _cursor_invalid(cause: Any, asked: Asked) -> Exception:
    pipe, path, item = asked.pipe, asked.path, asked.item
    told, message = str(cause), _in_pipe(cause, asked)
    return IncrementalCursorInvalidCoercion(pipe, path, None, "", item, type(item), told, msg=message)


def _primary_key_missing(cause: Any, asked: Asked) -> Exception:
    key = asked.primary_key or cause.detail.get("primary_key")
    return IncrementalPrimaryKeyMissing(asked.pipe, key, asked.item, msg=_in_pipe(cause, asked))


#: The exceptions of codes that the reference tells apart.
EXCEPTIONS: Dict[str, Make] = {
    "contract_frozen": _frozen,
    "null_in_required_column": _null,
    "invalid_schema": _schema,
    "unknown_schema_key": _schema,
    "unknown_merge_strategy": _schema,
    "invalid_merge_option": _schema,
    "merge_key_missing": _schema,
    "duplicate_hint": _schema,
    "disposition_unsupported": _disposition,
    "unknown_placeholder": _placeholder,
    "invalid_layout": _prefix,
    "cursor_missing": _cursor_missing,
    "cursor_null": _cursor_null,
    "cursor_invalid": _cursor_invalid,
    "cursor_out_of_order": _cursor_invalid,
    "cursor_ties": _cursor_invalid,
    "primary_key_missing": _primary_key_missing,
}


def _told_by(kind: Callable[[str], Exception]) -> Make:
    return lambda cause, asked: kind(str(cause))


def _outside(cause: Any, asked: Asked) -> Exception:
    may_pass = cause.is_retryable or cause.kind == "conflict"
    return (DestinationTransientException if may_pass else DestinationTerminalException)(str(cause))


def _unknown(cause: Any, asked: Asked) -> Exception:
    return PipelineException(None, msg=str(cause))


#: The exceptions of the other codes, by their kind.
_PLAIN: Dict[str, Make] = {
    "config": _told_by(ConfigurationValueError),
    "data": _told_by(ValueError),
    "unsupported": _told_by(NotImplementedError),
    "source": _outside,
    "destination": _outside,
    "conflict": _outside,
    "cancelled": _told_by(RuntimeError),
    "internal": _told_by(RuntimeError),
}
