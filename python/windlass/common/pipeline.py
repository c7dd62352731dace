"""What the steps of a pipeline tell of their work."""

from datetime import datetime, timezone
from typing import Any, ClassVar, Dict, List, Optional, Tuple

from windlass.common.exceptions import PipelineException
from windlass.common.exceptions import DltException


class PipelineStateNotAvailable(PipelineException):
    """The state is asked for where nothing is extracted."""

    _fields: ClassVar[Tuple[str, ...]] = ("source_state_key", "msg")


StateNotAvailable = PipelineStateNotAvailable


class ResourceNameNotAvailable(PipelineException):
    """The name of the resource is asked for where none runs."""

    _fields: ClassVar[Tuple[str, ...]] = ("msg",)


class SourceSectionNotAvailable(PipelineException):
    """The section of the source is asked for where none runs."""

    _fields: ClassVar[Tuple[str, ...]] = ("msg",)


def _time(text: Optional[str]) -> Optional[datetime]:
    if not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


class LoadJobInfo:
    """One file of a load."""

    def __init__(self, package: "LoadPackageInfo", job: Dict[str, Any]) -> None:
        self.state = "completed_jobs" if package.state == "loaded" else "new_jobs"
        self.file_path = job["file"]
        self.file_size = job["bytes"]
        self.table_name = job["table"]
        self.rows = job["rows"]
        self.created_at = package.created_at
        self.elapsed = 0.0
        self.failed_message: Optional[str] = None

    @property
    def job_id(self) -> str:
        """What names it."""
        return str(self.file_path).rsplit("/", 1)[-1]

    @property
    def job_file_info(self) -> "LoadJobInfo":
        """The parts of its name."""
        return self

    @property
    def file_format(self) -> str:
        """The format of the file."""
        return self.job_id.split(".", 1)[-1].replace(".gz", "").rsplit(".", 1)[-1]

    @property
    def file_id(self) -> str:
        """The part of the name that is its own."""
        return self.job_id.split(".")[0]

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return {
            "state": self.state,
            "file_path": self.file_path,
            "file_size": self.file_size,
            "created_at": self.created_at,
            "elapsed": self.elapsed,
            "failed_message": self.failed_message,
            "table_name": self.table_name,
            "file_id": self.file_id,
            "file_format": self.file_format,
            "job_id": self.job_id,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """One line for people."""
        return f"Job: {self.job_id}, table: {self.table_name} in {self.state}. File type: {self.file_format}, size: {_size(self.file_size)}."

    __str__ = asstr


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "K", "M", "G"):
        if size < 1024:
            return f"{int(size)}B" if unit == "B" else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}T"


class LoadPackageInfo:
    """One package."""

    def __init__(self, package: Dict[str, Any], state: str, schema: Any = None) -> None:
        self.load_id: str = package["load_id"]
        self.package_path: str = package.get("path", "")
        self.schema_name: str = package["schema"]
        self.schema_hash: Optional[str] = package.get("schema_hash")
        self.schema = schema
        self.state = state
        self.rows: Dict[str, int] = dict(package.get("rows") or {})
        self.created_at = datetime.fromtimestamp(_seconds(self.load_id), timezone.utc)
        self.completed_at: Optional[datetime] = _time(package.get("completed_at"))
        self.schema_update: Dict[str, Any] = _schema_update(package.get("schema_update") or {})
        self.refresh = package.get("refresh")
        self.dropped_tables: List[Any] = []
        self.truncated_tables: List[Any] = []
        self.warnings: List[str] = []
        jobs = package.get("jobs")
        listed = [LoadJobInfo(self, job) for job in jobs] if isinstance(jobs, list) else []
        self.jobs: Dict[str, List[LoadJobInfo]] = {
            name: [] for name in ("new_jobs", "failed_jobs", "started_jobs", "completed_jobs")
        }
        self.jobs["completed_jobs" if state == "loaded" else "new_jobs"] = listed
        self.job_count = jobs if isinstance(jobs, int) else len(listed)

    @property
    def has_pending_transitions(self) -> bool:
        """Whether a job stands between two states; the engine has no such state."""
        return False

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        tables = []
        for name, table in self.schema_update.items():
            columns = [
                {**column, "schema_name": self.schema_name, "load_id": self.load_id, "table_name": name}
                for column in table["columns"].values()
            ]
            tables.append(
                {"name": name, "columns": columns, "schema_name": self.schema_name, "load_id": self.load_id}
            )
        return {
            "load_id": self.load_id,
            "package_path": self.package_path,
            "state": self.state,
            "schema_name": self.schema_name,
            "schema_hash": self.schema_hash,
            "schema_migrated": bool(self.schema_update),
            "completed_at": self.completed_at,
            "jobs": [job.asdict() for jobs in self.jobs.values() for job in jobs],
            "tables": tables,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        update = (
            f"It updated schema for {len(self.schema_update)} tables."
            if self.schema_update
            else "It did not require schema updates."
        )
        end = (
            f"The package was {self.state.upper()} at {self.completed_at}."
            if self.completed_at
            else "The package is NOT YET LOADED to the destination."
        )
        text = (
            f"The package with load id {self.load_id} for schema {self.schema_name} is in {self.state.upper()} state. "
            f"{update} {end}\n"
        )
        jobs = [job for listed in self.jobs.values() for job in listed]
        if jobs:
            text += "Jobs details:\n" + "\n".join(job.asstr(verbosity) for job in jobs)
        return text

    __str__ = asstr


def _seconds(load_id: str) -> float:
    try:
        return float(load_id)
    except ValueError:
        return 0.0


def _schema_update(update: Dict[str, List[Any]]) -> Dict[str, Any]:
    """Tables with their new columns; the engine lists them as `name: type`."""
    tables: Dict[str, Any] = {}
    for table, columns in update.items():
        found: Dict[str, Dict[str, Any]] = {}
        for column in columns:
            name, _, data_type = str(column).partition(": ")
            found[name] = {"name": name, "data_type": data_type.replace(" (variant)", "")}
            if data_type.endswith("(variant)"):
                found[name]["variant"] = True
        tables[table] = {"name": table, "columns": found}
    return tables


class StepInfo:
    """What one step did."""

    _state = "EXTRACTED"

    def __init__(self, pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo]) -> None:
        self.pipeline = pipeline
        self.load_packages = packages
        self.loads_ids = [package.load_id for package in packages]
        self.first_run: bool = bool(info.get("first_run"))
        self.started_at = _time(info.get("started_at"))
        self.finished_at = _time(info.get("finished_at"))
        self.warnings: List[str] = list(info.get("warnings") or [])
        self.metrics: Dict[str, List[Dict[str, Any]]] = {
            package.load_id: [
                {
                    "started_at": self.started_at,
                    "finished_at": self.finished_at,
                    "schema_name": package.schema_name,
                    "table_metrics": {
                        name: {"items_count": rows} for name, rows in package.rows.items()
                    },
                    "job_metrics": {
                        job.job_id: {"file_path": job.file_path, "items_count": job.rows, "file_size": job.file_size}
                        for jobs in package.jobs.values()
                        for job in jobs
                    },
                }
            ]
            for package in packages
        }

    @property
    def is_empty(self) -> bool:
        """Whether there are no packages."""
        return not self.loads_ids

    @property
    def has_failed_jobs(self) -> bool:
        """Whether jobs failed; the engine loads a package whole or not at all."""
        return False

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return {
            "pipeline": {"pipeline_name": self.pipeline.pipeline_name},
            "loads_ids": self.loads_ids,
            "load_packages": [package.asdict() for package in self.load_packages],
            "first_run": self.first_run,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "table_metrics": [
                {"load_id": load_id, "table_name": name, **metrics}
                for load_id, listed in self.metrics.items()
                for entry in listed
                for name, metrics in entry["table_metrics"].items()
            ],
        }

    def _packages_text(self) -> str:
        lines = []
        for package in self.load_packages:
            state = "LOADED" if package.state == "loaded" else f"{self._state} and NOT YET LOADED to the destination"
            lines.append(f"Load package {package.load_id} is {state} and contains no failed jobs")
        return "\n".join(lines)

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        text = self._packages_text()
        return f"\n{text}" if text else ""

    def __str__(self) -> str:
        return self.asstr(verbosity=0)

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import info_html

        return info_html(self)


class ExtractInfo(StepInfo):
    """What was read."""


class NormalizeInfo(StepInfo):
    """What was made into tables."""

    _state = "NORMALIZED"

    @property
    def row_counts(self) -> Dict[str, int]:
        """Rows by table."""
        counts: Dict[str, int] = {}
        for package in self.load_packages:
            for table, rows in package.rows.items():
                counts[table] = counts.get(table, 0) + rows
        return counts

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        counts = self.row_counts
        if counts:
            ordered = sorted(counts.items(), key=lambda entry: entry[0].startswith("_dlt"))
            text = "Normalized data for the following tables:\n"
            text += "".join(f"- {table}: {rows} row(s)\n" for table, rows in ordered)
        else:
            text = "No data found to normalize"
        return text + super().asstr(verbosity)


class LoadInfo(StepInfo):
    """What was loaded."""

    def __init__(self, pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo]) -> None:
        super().__init__(pipeline, info, packages)
        self.destination_type = f"dlt.destinations.{info.get('destination')}"
        self.destination_name = info.get("destination_name") or info.get("destination")
        self.destination_displayable_credentials = info.get("location")
        self.destination_fingerprint = ""
        self.environment: Optional[str] = None
        self.staging_type = self.staging_name = self.staging_displayable_credentials = None
        self.dataset_name = info.get("dataset")

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return {
            **super().asdict(),
            "destination_type": self.destination_type,
            "destination_name": self.destination_name,
            "destination_displayable_credentials": self.destination_displayable_credentials,
            "destination_fingerprint": self.destination_fingerprint,
            "environment": self.environment,
            "staging_type": self.staging_type,
            "staging_name": self.staging_name,
            "staging_displayable_credentials": self.staging_displayable_credentials,
            "dataset_name": self.dataset_name,
        }

    def raise_on_failed_jobs(self) -> None:
        """Does nothing: a load whose job failed has raised already."""

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        text = f"Pipeline {self.pipeline.pipeline_name} load step "
        if self.started_at and self.finished_at:
            seconds = (self.finished_at - self.started_at).total_seconds()
            text += f"finished in {_human(seconds)}\n"
        else:
            text += "did not start\n"
        text += f"{len(self.loads_ids)} load package(s) were loaded to destination {self.destination_name} and into dataset {self.dataset_name}\n"
        text += f"The {self.destination_name} destination used {self.destination_displayable_credentials} location to store data"
        packages = self._packages_text()
        return text + (f"\n{packages}" if packages else "")


def _human(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} seconds"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} minutes and {rest:.2f} seconds"


class PipelineStepTrace:
    """One step of a trace."""

    def __init__(self, step: str, started_at: datetime) -> None:
        import uuid

        self.span_id = uuid.uuid4().hex[:16]
        self.step = step
        self.started_at = started_at
        self.finished_at: Optional[datetime] = None
        self.step_info: Optional[StepInfo] = None
        self.step_exception: Optional[str] = None
        self.exception_traces: List[Dict[str, Any]] = []

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        found: Dict[str, Any] = {
            "span_id": self.span_id,
            "step": self.step,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "step_exception": self.step_exception,
            "exception_traces": self.exception_traces,
        }
        if self.step_info is not None:
            found["step_info"] = self.step_info.asdict()
        return found

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        end = self.finished_at or datetime.now(timezone.utc)
        outcome = "FAILED" if self.step_exception else "COMPLETED"
        text = f"Step {self.step} {outcome} in {_human((end - self.started_at).total_seconds())}.\n"
        if self.step_exception:
            text += f"Failed due to: {self.step_exception}"
        elif self.step_info is not None:
            text += self.step_info.asstr(verbosity)
        return text

    __str__ = asstr


class PipelineTrace:
    """What a run did, step by step."""

    engine_version = 2

    def __init__(self, pipeline_name: str) -> None:
        import uuid

        self.transaction_id = uuid.uuid4().hex
        self.pipeline_name = pipeline_name
        self.execution_context: Dict[str, Any] = _execution_context()
        self.started_at = datetime.now(timezone.utc)
        self.finished_at: Optional[datetime] = None
        self.steps: List[PipelineStepTrace] = []
        self.resolved_config_values: List[Any] = []

    def last_pipeline_step_trace(self, step: str) -> Optional[PipelineStepTrace]:
        """The newest trace of a step."""
        return next((trace for trace in reversed(self.steps) if trace.step == step), None)

    def _info(self, step: str) -> Any:
        trace = self.last_pipeline_step_trace(step)
        return trace.step_info if trace is not None else None

    @property
    def last_extract_info(self) -> Optional[ExtractInfo]:
        """What was read last."""
        return self._info("extract")  # type: ignore[no-any-return]

    @property
    def last_normalize_info(self) -> Optional[NormalizeInfo]:
        """What was normalized last."""
        return self._info("normalize")  # type: ignore[no-any-return]

    @property
    def last_load_info(self) -> Optional[LoadInfo]:
        """What was loaded last."""
        return self._info("load")  # type: ignore[no-any-return]

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary, to be loaded as well."""
        return {
            "transaction_id": self.transaction_id,
            "pipeline_name": self.pipeline_name,
            "execution_context": self.execution_context,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "steps": [step.asdict() for step in self.steps if step.step != "run" or step.step_exception],
            "engine_version": self.engine_version,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        failed = any(step.step_exception for step in self.steps)
        end = self.finished_at or datetime.now(timezone.utc)
        outcome = "FAILED" if failed else "COMPLETED"
        steps = [step for step in self.steps if step.step != "run"]
        text = (
            f"Run started at {self.started_at} and {outcome} in {_human((end - self.started_at).total_seconds())} "
            f"with {len(steps)} steps.\n"
        )
        return text + "\n\n".join(step.asstr(verbosity) for step in steps)

    __str__ = asstr


def _execution_context() -> Dict[str, Any]:
    import os
    import platform

    from windlass.version import __version__

    return {
        "ci_run": bool(os.environ.get("CI")),
        "python": platform.python_version(),
        "cpu": os.cpu_count(),
        "exec_info": [],
        "os": {"name": platform.system(), "version": platform.release()},
        "library": {"name": "windlass", "version": __version__},
        "run_context": {"name": "dlt"},
    }


__all__ = ["DltException", "ExtractInfo", "LoadInfo", "LoadPackageInfo", "NormalizeInfo", "PipelineTrace"]
