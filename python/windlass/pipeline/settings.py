"""The settings of the engine, under the reference's names."""

from pathlib import Path
from typing import Any, Dict, Optional

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.providers import local_dir
from windlass.common.configuration.resolve import lookup
from windlass.extract.words import check_format

#: Settings of the engine by section: the names of the reference.
_SETTINGS: Dict[str, Dict[str, type]] = {
    "normalize": {"workers": int, "loader_file_format": str},
    "load": {"delete_completed_jobs": bool, "lease_seconds": int, "kept_packages": int},
    "schema": {"naming": str, "max_columns_per_table": int, "collisions": str},
    "extract": {"max_record_bytes": str},
}
_WRITER = {
    "file_max_items": int,
    "file_max_bytes": int,
    "buffer_max_items": int,
    "disable_compression": bool,
    "compression": str,
    "row_group_size": int,
    "delimiter": str,
    "include_header": bool,
    "quoting": str,
    "lineterminator": str,
}
_PIPELINE = {"restore_from_destination": bool, "max_memory": str}


def section(pipeline: Any, section: str, names: Dict[str, type]) -> Dict[str, Any]:
    """The settings of a section that are set."""
    found = {}
    for name, kind in names.items():
        value, _ = lookup(name, (), embedded=(section,), pipeline=pipeline.pipeline_name)
        if value is not None:
            found[name] = coerce(name, value, kind)
    return found


def settings_of(pipeline: Any, loader_file_format: Optional[str]) -> Dict[str, Any]:
    """The settings of a pipeline as the engine takes them."""
    settings: Dict[str, Any] = {name: section(pipeline, name, names) for name, names in _SETTINGS.items()}
    settings["normalize"].pop("workers", None)
    writer: Dict[str, Any] = {}
    for name, kind in _WRITER.items():
        value, _ = lookup(name, ("normalize",), embedded=("data_writer",), pipeline=pipeline.pipeline_name)
        if value is not None:
            writer[name] = coerce(name, value, kind)
    for name in ("add_dlt_load_id", "add_dlt_id"):
        value, _ = lookup(name, ("normalize",), embedded=("parquet_normalizer",), pipeline=pipeline.pipeline_name)
        ids = settings["normalize"].setdefault("parquet_normalizer", {})
        ids[name] = coerce(name, value, bool) if value is not None else False
    if writer:
        settings["normalize"]["data_writer"] = writer
    for wanted in (loader_file_format, settings["normalize"].get("loader_file_format")):
        check_format("loader_file_format", wanted)
    if loader_file_format not in (None, "preferred"):
        settings["normalize"]["loader_file_format"] = loader_file_format
    own: Dict[str, Any] = {}
    for name, kind in _PIPELINE.items():
        value = pipeline._setting(name)
        if value is not None:
            own[name] = coerce(name, value, kind)
    for name, path in (
        ("import_schema_path", pipeline._import_schema_path or pipeline._setting("import_schema_path")),
        ("export_schema_path", pipeline._export_schema_path or pipeline._setting("export_schema_path")),
    ):
        if path:
            own[name] = str(Path(local_dir()) / str(path))
    if pipeline.dev_mode:
        own["restore_from_destination"] = False
    settings["pipeline"] = own
    destination = pipeline.destination
    if hasattr(destination, "naming"):
        settings["schema"].setdefault("naming", destination.naming)
    return settings
