"""What is counted: files, tables, resources."""

from datetime import datetime
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from windlass.common.storages.load_package import LoadPackageInfo


class DataWriterMetrics(NamedTuple):
    """Rows and bytes of a file, or of all files of a table or resource."""

    file_path: str
    items_count: int
    file_size: int
    created: float
    last_modified: float

    def __add__(self, other: Any) -> "DataWriterMetrics":  # type: ignore[override]
        if not isinstance(other, DataWriterMetrics):
            return NotImplemented
        return DataWriterMetrics(
            self.file_path if self.file_path == other.file_path else "",
            self.items_count + other.items_count,
            self.file_size + other.file_size,
            min(self.created, other.created),
            max(self.last_modified, other.last_modified),
        )


class LoadJobMetrics(NamedTuple):
    """One file that was loaded."""

    job_id: str
    file_path: str
    table_name: str
    started_at: Optional[datetime]
    finished_at: Optional[datetime]
    state: str
    remote_url: Optional[str]
    retry_count: int = 0
    followup_jobs: Sequence[str] = ()


def writer_metrics(package: LoadPackageInfo) -> Dict[str, Any]:
    """Job metrics and table metrics of a package; rows of tables without files are told as well."""
    created = package.created_at.timestamp()
    jobs: Dict[str, DataWriterMetrics] = {}
    tables: Dict[str, DataWriterMetrics] = {
        name: DataWriterMetrics("", rows, 0, created, created) for name, rows in package.rows.items()
    }
    for listed in package.jobs.values():
        for job in listed:
            table = job.job_file_info.table_name
            files = [other for other in listed if other.job_file_info.table_name == table]
            rows = package.rows.get(table, 0) if len(files) == 1 else 0
            jobs[job.job_id] = DataWriterMetrics(job.file_path, rows, job.file_size, created, created)
            if table in tables:
                own = tables[table]
                tables[table] = own._replace(file_size=own.file_size + job.file_size)
    return {"job_metrics": jobs, "table_metrics": tables}


def load_metrics(package: LoadPackageInfo, started: Optional[datetime], finished: Optional[datetime]) -> Dict[str, LoadJobMetrics]:
    """The files of a package that was loaded."""
    found = {}
    for state, listed in package.jobs.items():
        for job in listed:
            parts = job.job_file_info
            found[job.job_id] = LoadJobMetrics(
                job.job_id,
                job.file_path,
                parts.table_name,
                started,
                finished,
                "completed" if state == "completed_jobs" else "ready",
                None,
                parts.retry_count,
                [],
            )
    return found


def resource_metrics(package: LoadPackageInfo, schema: Any, extraction: Any) -> Dict[str, Any]:
    """What is told of the resources of a source: rows and bytes, what they count themselves, parents, hints, inputs."""
    from windlass.helpers.report import tables_of_resource

    tables = writer_metrics(package)["table_metrics"]
    created = package.created_at.timestamp()
    found: Dict[str, Any] = {"resource_metrics": {}, "dag": [], "hints": {}, "inputs": []}
    if extraction is None:
        return found
    resources = extraction.source.resources
    found["dag"] = list(resources.selected_dag)
    for name, resource in resources.extracted.items():
        own = tables_of_resource(schema, name)[:1] if schema is not None else [name]
        entry: Dict[str, Any] = dict(DataWriterMetrics("", 0, 0, created, created)._asdict())
        for table in own:
            if table in tables:
                entry["items_count"] += tables[table].items_count
                entry["file_size"] += tables[table].file_size
        custom = {**extraction._metrics.get(name, {}), **resource.custom_metrics}
        if custom:
            entry["custom_metrics"] = custom
        if resource.incremental is not None and resource._cursor is not None:
            entry["incremental"] = [resource._cursor.custom_metrics]
        found["resource_metrics"][name] = ResourceMetrics(entry)
        found["hints"][name] = _told_hints(resource)
        found["inputs"] += [{"resource_name": name, **location} for location in resource.inputs]
    return found


class ResourceMetrics(Dict[str, Any]):
    """What is counted of a resource, by key and by attribute."""

    @property
    def custom_metrics(self) -> Dict[str, Any]:
        """What the resource and its cursor count themselves."""
        found = dict(self.get("custom_metrics", {}))
        if "incremental" in self:
            found["incremental"] = self["incremental"]
        return found

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(name)

    def _asdict(self) -> Dict[str, Any]:
        return dict(self)


def _told_hints(resource: Any) -> Dict[str, Any]:
    """The hints of a resource as plain values: functions are named, columns are a document."""
    found: Dict[str, Any] = {}
    for name, value in resource._hints.items():
        if callable(value):
            found[name] = "callable"
        elif name == "columns":
            if value:
                from windlass._native import native

                found[name] = str(native().typed_dumps(value))
        elif value is not None and name != "incremental":
            found[name] = value
    if resource.incremental is not None and hasattr(resource.incremental, "cursor_path"):
        cursor = resource.incremental
        names = (
            "cursor_path",
            "initial_value",
            "end_value",
            "row_order",
            "allow_external_schedulers",
            "on_cursor_value_missing",
            "lag",
            "range_start",
            "range_end",
        )
        found["incremental"] = {name: getattr(cursor, name, None) for name in names}
    return found


def listed(load_id: str, index: int, entries: Dict[str, Any], key: str) -> List[Dict[str, Any]]:
    """Metrics by name as a list, as they are loaded into a table."""
    return [{**metrics._asdict(), "load_id": load_id, "extract_idx": index, key: name} for name, metrics in entries.items()]
