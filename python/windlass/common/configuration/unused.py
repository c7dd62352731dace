"""Keys of `config.toml`, `secrets.toml` and the environment that nobody looks for, as the command line tells them.

The files may serve other programs as well: names that are free to choose are left alone, unless they are nearly a name
that is known.
"""

import difflib
import os
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.exceptions import ConfigValueCannotBeCoercedException
from windlass.common.configuration.providers import settings
from windlass.common.configuration.resolve import lookup
from windlass.common.exceptions import choices
from windlass.common.masking import logger

_WRITER = (
    *("file_max_items", "file_max_bytes", "buffer_max_items", "disable_compression", "compression", "row_group_size"),
    *("delimiter", "include_header", "quoting", "lineterminator"),
)

#: Settings of the reference that this engine has no need of, by the type that they have there.
_IGNORED: Dict[str, Dict[str, type]] = {
    "load": {"workers": int, "raise_on_failed_jobs": bool, "raise_on_max_retries": int, "truncate_staging_dataset": bool},
    "normalize": {"workers": int},
}

#: Sections all of whose keys are known, and the keys of sections within them.
_SECTIONS: Dict[str, Dict[str, Sequence[str]]] = {
    "extract": dict.fromkeys(
        [
            *("workers", "max_parallel_items", "futures_poll_interval", "copy_on_fork", "next_item_mode"),
            *("checkpoint_seconds", "checkpoint_bytes", "max_record_bytes"),
        ],
        (),
    ),
    "normalize": {
        "workers": (),
        "loader_file_format": (),
        "data_writer": _WRITER,
        "parquet_normalizer": ("add_dlt_load_id", "add_dlt_id"),
    },
    "load": dict.fromkeys(["delete_completed_jobs", "kept_packages", "lease_seconds", *_IGNORED["load"]], ()),
    "schema": dict.fromkeys(["naming", "max_identifier_length", "max_columns_per_table", "collisions"], ()),
}

_RUNTIME = (
    *("pipeline_name", "log_level", "log_format", "sentry_dsn", "slack_incoming_hook", "dlthub_telemetry"),
    *("dlthub_telemetry_endpoint", "dlthub_telemetry_segment_write_key", "http_show_error_body"),
    *("http_max_error_body_length", "request_timeout", "request_max_attempts", "request_backoff_factor"),
    *("request_max_retry_delay", "send_credentials_to"),
)

#: Options of pipelines, which may stand without a section.
_PIPELINE = (
    *("pipeline_name", "pipelines_dir", "destination_type", "dataset_name", "dataset_name_layout", "dev_mode", "progress"),
    *("refresh", "import_schema_path", "export_schema_path", "restore_from_destination", "max_memory"),
)

_TOP = (*_SECTIONS, "runtime", "destination", "sources", "pipelines", "dlthub", "workspace")
_SOURCES = ("rest_api", "sql_database", "filesystem")

#: How near a name that is free to choose comes to a known one before it is taken for it.
_NEAR = 0.85

#: A key that means nothing, and what was probably meant.
Found = Tuple[str, str]

_told: Set[str] = set()
_checked: Set[Any] = set()


def warn_of_unused(pipeline: Optional[str] = None) -> None:
    """Warns of keys and values of the settings that mean nothing, of each once."""
    state = (pipeline, settings().reads(), frozenset(os.environ))
    if state in _checked:
        return
    _checked.add(state)
    for path, values in settings().contents():
        for key, remedy in unused_keys(values, pipeline):
            _tell(f"{path}: the key `{key}` means nothing; {remedy}")
    for key, remedy in _unused_variables(os.environ):
        _tell(f"the variable `{key}` means nothing; {remedy}")
    for section, kinds in _IGNORED.items():
        for name, kind in kinds.items():
            _check_value(section, name, kind, pipeline)


def _tell(text: str) -> None:
    if text not in _told:
        _told.add(text)
        logger().warning("%s", text)


def _check_value(section: str, name: str, kind: type, pipeline: Optional[str]) -> None:
    value, _ = lookup(name, (), embedded=(section,), pipeline=pipeline)
    try:
        coerce(f"{section}.{name}", value, kind)
    except ConfigValueCannotBeCoercedException as error:
        _tell(f"the value means nothing, and windlass does not need it: {error}")


def unused_keys(values: Mapping[str, Any], pipeline: Optional[str] = None) -> List[Found]:
    """The dotted keys of a file of settings that mean nothing, and what was probably meant."""
    found: List[Found] = []
    for key, value in values.items():
        if not isinstance(value, Mapping):
            found += _near_only((), [key], _PIPELINE)
        elif key in _SECTIONS:
            found += _strict((key,), value, _SECTIONS[key])
        elif key == "runtime":
            found += _near_only((key,), value, _RUNTIME)
        elif key == "destination":
            found += _destinations(value)
        elif key == "sources":
            found += _near_only((key,), [name for name in value if isinstance(value[name], Mapping)], _SOURCES)
        elif key == pipeline:
            found += [(f"{key}.{inner}", remedy) for inner, remedy in unused_keys(value)]
        else:
            found += _near_only((), [key], _TOP)
    return found


def _strict(above: Tuple[str, ...], section: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> List[Found]:
    found: List[Found] = []
    for key, value in section.items():
        if key not in known:
            found.append((".".join((*above, key)), choices(key, list(known))))
        elif isinstance(value, Mapping) and known[key]:
            found += _strict((*above, key), value, dict.fromkeys(known[key], ()))
    return found


def _near_only(above: Tuple[str, ...], keys: Iterable[str], known: Sequence[str]) -> List[Found]:
    found: List[Found] = []
    for key in keys:
        near = [] if key in known else difflib.get_close_matches(key, known, 1, _NEAR)
        found += [(".".join((*above, key)), f"did you mean `{one}`?") for one in near]
    return found


def _destinations(section: Mapping[str, Any]) -> List[Found]:
    from windlass._native import native
    from windlass.destinations.factory import _COMMON, credential_fields, option_names

    kinds = native().destination_kinds()
    found: List[Found] = []
    for key, value in section.items():
        if not isinstance(value, Mapping):
            continue
        if key not in kinds:
            found += _near_only(("destination",), [key], kinds)
            continue
        known: Dict[str, Sequence[str]] = dict.fromkeys([*option_names(key), "credentials", *_COMMON], ())
        found += _strict(("destination", key), value, known)
        credentials = value.get("credentials")
        if isinstance(credentials, Mapping) and key == "postgres":
            found += _strict(("destination", key, "credentials"), credentials, dict.fromkeys(credential_fields(key), ()))
    return found


def _unused_variables(environ: Mapping[str, str]) -> List[Found]:
    """Variables that are nearly those of a section that is known; others may be anybody's."""
    found: List[Found] = []
    for variable in environ:
        section, _, key = variable.lower().partition("__")
        known: Sequence[str] = _RUNTIME if section == "runtime" else list(_SECTIONS.get(section, ()))
        if key and "__" not in key and key not in known:
            near = difflib.get_close_matches(key, known, 1, _NEAR)
            found += [(variable, f"did you mean `{section.upper()}__{one.upper()}`?") for one in near]
    return found
