"""What the steps of a pipeline tell of their work."""

from datetime import datetime, timezone
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Tuple

from windlass.common.exceptions import DltException, PipelineException
from windlass.common.metrics import listed, load_metrics, resource_metrics, writer_metrics
from windlass.common.storages.load_package import LoadJobInfo, LoadPackageInfo, ParsedLoadJobFileName


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


class StepInfo:
    """What one step did."""

    def __init__(self, pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo]) -> None:
        self.pipeline = pipeline
        self.load_packages = packages
        self.loads_ids = [package.load_id for package in packages]
        self.first_run: bool = bool(info.get("first_run"))
        self.started_at = _time(info.get("started_at"))
        self.finished_at = _time(info.get("finished_at"))
        self.warnings: List[str] = list(info.get("warnings") or [])
        #: What was counted, by load id; one entry for each part of a package.
        self.metrics: Dict[str, List[Dict[str, Any]]] = {
            package.load_id: [self._metrics_of(package)] for package in packages
        }

    def _metrics_of(self, package: LoadPackageInfo) -> Dict[str, Any]:
        times = {"started_at": self.started_at, "finished_at": self.finished_at, "schema_name": package.schema_name}
        return {**times, **writer_metrics(package)}

    @property
    def is_empty(self) -> bool:
        """Whether there are no packages."""
        return not self.loads_ids

    @property
    def has_failed_jobs(self) -> bool:
        """Whether jobs failed; the engine loads a package whole or not at all."""
        return False

    def base_asdict(self) -> Dict[str, Any]:
        """What all steps tell."""
        return {
            "pipeline": {"pipeline_name": self.pipeline.pipeline_name},
            "loads_ids": self.loads_ids,
            "load_packages": [package.asdict() for package in self.load_packages],
            "first_run": self.first_run,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }

    def own_asdict(self) -> Dict[str, Any]:
        """What this kind of step tells beside that."""
        return {
            "job_metrics": [
                {**entry, "table_name": ParsedLoadJobFileName.parse(_with_retry(entry["job_id"])).table_name}
                for entry in self._listed("job_metrics", "job_id")
            ],
            "table_metrics": self._listed("table_metrics", "table_name"),
        }

    def _listed(self, kind: str, key: str) -> List[Dict[str, Any]]:
        return [
            entry
            for load_id, parts in self.metrics.items()
            for index, part in enumerate(parts)
            for entry in listed(load_id, index, part.get(kind, {}), key)
        ]

    @staticmethod
    def writer_metrics_asdict(job_metrics: Dict[str, Any], key_name: str = "job_id", extend: Any = None) -> List[Dict[str, Any]]:
        """Metrics by name as a list."""
        return [{**metrics._asdict(), **(extend or {}), key_name: name} for name, metrics in job_metrics.items()]

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return {**self.base_asdict(), **self.own_asdict()}

    def _packages_text(self, verbosity: int) -> str:
        text = ""
        for package in self.load_packages:
            state = package.state.upper() if package.state == "loaded" else f"{package.state.upper()} and NOT YET LOADED to the destination"
            refresh = f" with refresh '{package.refresh}'" if package.refresh else ""
            text += f"\nLoad package {package.load_id} is {state}{refresh} and contains no failed jobs"
            if verbosity > 1:
                text += f"\nPackage details:\n{package.asstr(verbosity)}\n"
        return text

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        return self._packages_text(verbosity)

    def __str__(self) -> str:
        return self.asstr(verbosity=0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(pipeline={self.pipeline!r}, loads_ids={self.loads_ids!r})"

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import info_html

        return info_html(self)


def _with_retry(job_id: str) -> str:
    """The id of a job as the name of a file, which has the number of its attempt as well."""
    table, _, rest = job_id.partition(".")
    file_id, _, ending = rest.partition(".")
    return f"{table}.{file_id}.0.{ending}"


class ExtractInfo(StepInfo):
    """What was read."""

    def __init__(
        self, pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo], extractions: Sequence[Any] = ()
    ) -> None:
        super().__init__(pipeline, info, packages)
        by_schema = {extraction.source.name: extraction for extraction in extractions}
        for package in packages:
            extraction = by_schema.get(package.schema_name)
            self.metrics[package.load_id][0].update(resource_metrics(package, package.schema, extraction))
        #: What was given to be read.
        self.extract_data_info: List[Dict[str, Any]] = [
            {"name": extraction.source.name, "data_type": "source"} for extraction in extractions
        ]

    def own_asdict(self) -> Dict[str, Any]:
        """Files, tables, resources, which of them depend on which, hints and inputs."""
        found = super().own_asdict()
        found["resource_metrics"] = self._listed("resource_metrics", "resource_name")
        for kind in ("dag", "hints", "inputs"):
            found[kind] = []
        for load_id, parts in self.metrics.items():
            for index, part in enumerate(parts):
                place = {"load_id": load_id, "extract_idx": index}
                for parent, child in part.get("dag", []):
                    found["dag"].append({**place, "parent_name": parent, "resource_name": child})
                for name, hints in part.get("hints", {}).items():
                    found["hints"].append({**place, "resource_name": name, **hints})
                found["inputs"] += [{**place, **location} for location in part.get("inputs", [])]
        return found


class NormalizeInfo(StepInfo):
    """What was made into tables."""

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
            text = "Normalized data for the following tables:\n"
            text += "".join(f"- {table}: {rows} row(s)\n" for table, rows in counts.items())
        else:
            text = "No data found to normalize"
        return text + super().asstr(verbosity)


class LoadInfo(StepInfo):
    """What was loaded."""

    def __init__(self, pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo]) -> None:
        self.destination_type = f"dlt.destinations.{info.get('destination')}"
        self.destination_name = info.get("destination_name") or info.get("destination")
        self.destination_displayable_credentials = info.get("location")
        self.destination_fingerprint = ""
        self.environment: Optional[str] = info.get("environment")
        self.staging_type = self.staging_name = self.staging_displayable_credentials = None
        self.dataset_name = info.get("dataset")
        super().__init__(pipeline, info, packages)

    def _metrics_of(self, package: LoadPackageInfo) -> Dict[str, Any]:
        return {
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "job_metrics": load_metrics(package, self.started_at, self.finished_at),
            "dataset_name": self.dataset_name,
            "outputs": self._outputs(package),
        }

    def _outputs(self, package: LoadPackageInfo) -> List[Dict[str, Any]]:
        """Where the tables of each resource are now."""
        schema = package.schema
        if schema is None or self.dataset_name is None:
            return []
        by_resource: Dict[str, List[str]] = {}
        for name in package.rows:
            root = table = schema.tables.get(name, {})
            while "parent" in root:
                root = schema.tables.get(root["parent"], {})
            if table:
                by_resource.setdefault(root.get("resource", root.get("name", name)), []).append(name)
        location = str(self.destination_displayable_credentials or "").replace("duckdb:///", "")
        return [
            {
                "kind": "dataset",
                "resource_name": resource,
                "location": location,
                "version": None,
                "schemas": [{"name": package.schema_name, "version_hash": package.schema_hash}],
                "tables": tables,
                "destination_type": self.destination_type,
                "destination_name": self.destination_name,
                "destination_fingerprint": self.destination_fingerprint,
                "casefold": "str",
                "case_sensitive": False,
                "dataset_name": self.dataset_name,
                "physical_dataset_name": self.dataset_name,
            }
            for resource, tables in by_resource.items()
        ]

    def own_asdict(self) -> Dict[str, Any]:
        """The files that were loaded, and where they are now."""
        parts = [(load_id, part) for load_id, found in self.metrics.items() for part in found]
        return {
            "job_metrics": [
                {"load_id": load_id, "dataset_name": part["dataset_name"], **metrics._asdict()}
                for load_id, part in parts
                for metrics in part["job_metrics"].values()
            ],
            "outputs": [{"load_id": load_id, **output} for load_id, part in parts for output in part["outputs"]],
        }

    def destination_asdict(self) -> Dict[str, Any]:
        """Where it was loaded to."""
        return {
            "destination_type": self.destination_type,
            "destination_displayable_credentials": self.destination_displayable_credentials,
            "destination_name": self.destination_name,
            "environment": self.environment,
            "staging_type": self.staging_type,
            "staging_name": self.staging_name,
            "staging_displayable_credentials": self.staging_displayable_credentials,
            "destination_fingerprint": self.destination_fingerprint,
            "dataset_name": self.dataset_name,
        }

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        base = self.base_asdict()
        return {"pipeline": base.pop("pipeline"), **self.destination_asdict(), **base, **self.own_asdict()}

    def raise_on_failed_jobs(self) -> None:
        """Does nothing: a load whose job failed has raised already."""

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        text = f"Pipeline {self.pipeline.pipeline_name} load step "
        if self.started_at and self.finished_at:
            text += f"finished in {human_time((self.finished_at - self.started_at).total_seconds())}\n"
        else:
            text += "did not start\n"
        loaded = sum(package.state == "loaded" for package in self.load_packages)
        count = str(loaded) if loaded == len(self.load_packages) else f"{loaded} of {len(self.load_packages)}"
        text += f"{count} load package(s) were loaded to destination {self.destination_name} and into dataset {self.dataset_name}\n"
        text += f"The {self.destination_name} destination used {self.destination_displayable_credentials} location to store data"
        return text + self._packages_text(verbosity)


def human_time(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.2f} seconds"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    told = [f"{count} {name}{'s' if count > 1 else ''}" for count, name in parts if count]
    return f"{', '.join(told)} and {rest:.2f} seconds"


__all__ = [
    "DltException",
    "ExtractInfo",
    "LoadInfo",
    "LoadJobInfo",
    "LoadPackageInfo",
    "NormalizeInfo",
    "StepInfo",
]


def __getattr__(name: str) -> Any:
    # Traces hold the infos of this module, and are found here as well.
    if name in ("PipelineStepTrace", "PipelineTrace"):
        import windlass.pipeline.trace as trace

        return getattr(trace, name)
    raise AttributeError(f"module 'windlass.common.pipeline' has no attribute '{name}'")
