"""Hints that are words: what they can be. The engine would refuse them without saying which words there are."""

from typing import Any, Mapping, Sequence

from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.exceptions import ValueErrorWithKnownValues, choices

DISPOSITIONS = ("append", "replace", "merge", "skip")
#: Options of a write disposition beside `disposition` itself.
_OPTIONS = (
    "disposition",
    "strategy",
    "deduplicated",
    "source_filter",
    "destination_scope",
    "skip_unchanged_rows",
    "boundary_timestamp",
    "active_record_timestamp",
    "validity_column_names",
    "row_version_column_name",
)
#: Formats of files that are loaded.
FORMATS = ("parquet", "jsonl", "csv")
#: Those that the reference has besides.
_OTHER_FORMATS = ("insert_values", "typed-jsonl", "model", "reference")
REFRESH_MODES = ("drop_sources", "drop_resources", "drop_data")


def check_format(option: str, value: Any, place: str = "") -> None:
    """Raises for a format of files that there is not."""
    if value in (None, "preferred", *FORMATS):
        return
    if value in _OTHER_FORMATS:
        at = f" ({place})" if place else ""
        raise NotImplementedError(
            f"`{option}`{at}: windlass writes no `{value}` files (yet), leave it out: there are {', '.join(FORMATS)}"
        )
    raise ValueErrorWithKnownValues(option, value, ["preferred", *FORMATS])


def check_refresh(value: Any) -> None:
    """Raises for a mode of refreshing that there is not."""
    if value is not None and value not in REFRESH_MODES:
        raise ValueErrorWithKnownValues("refresh", value, REFRESH_MODES)


def check_hints(hints: Mapping[str, Any], place: str) -> None:
    """Raises for hints, and those of nested tables, that are none of their words. `place` names the resource."""
    disposition = hints.get("write_disposition")
    if isinstance(disposition, Mapping):
        _check_options(disposition, place)
        disposition = disposition.get("disposition")
    if disposition is not None and disposition not in DISPOSITIONS:
        raise ConfigurationValueError(f"there is no write disposition `{disposition}` ({place}): {_dispositions(disposition)}")
    check_format("file_format", hints.get("file_format"), place)
    for path, nested in (hints.get("nested_hints") or {}).items():
        check_hints(nested, f"{place}, nested table `{path}`")


def _dispositions(given: Any) -> str:
    text = choices(given, DISPOSITIONS)
    if given in ("upsert", "delete-insert", "scd2", "insert-only", "cdc"):
        text += f'; `{given}` is a strategy: {{"disposition": "merge", "strategy": "{given}"}}'
    return text


def _check_options(options: Mapping[str, Any], place: str) -> None:
    unknown: Sequence[Any] = [name for name in options if name not in _OPTIONS]
    if unknown:
        raise ConfigurationValueError(
            f"a write disposition has no option `{unknown[0]}` ({place}): {choices(unknown[0], _OPTIONS)}"
        )
