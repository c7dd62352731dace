"""Load packages and their files, as they are told of."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

#: States of files, in the order in which they are told.
JOB_STATES = ("new_jobs", "failed_jobs", "started_jobs", "completed_jobs")


class ParsedLoadJobFileName(NamedTuple):
    """The parts of the name of a file that is loaded."""

    table_name: str
    file_id: str
    retry_count: int
    file_format: str
    is_compressed: bool = False

    def job_id(self) -> str:
        """What names the file in a package, whatever attempt it is at."""
        return f"{self.table_name}.{self.file_id}.{self.file_format}" + (".gz" if self.is_compressed else "")

    def file_name(self) -> str:
        """The name of the file."""
        ending = ".gz" if self.is_compressed else ""
        return f"{self.table_name}.{self.file_id}.{self.retry_count}.{self.file_format}{ending}"

    @staticmethod
    def parse(file_name: str) -> "ParsedLoadJobFileName":
        """The parts of a path or name. Raises `ValueError` for a name of another form."""
        parts = Path(file_name).name.split(".")
        is_compressed = parts[-1] == "gz"
        if is_compressed:
            parts.pop()
        if len(parts) != 4 or not parts[2].isdigit():
            raise ValueError(f"`{file_name}` is not `table.file_id.retry.format`")
        return ParsedLoadJobFileName(parts[0], parts[1], int(parts[2]), parts[3], is_compressed)


class LoadJobInfo(NamedTuple):
    """One file of a load."""

    state: str
    file_path: str
    file_size: int
    created_at: datetime
    elapsed: float
    job_file_info: ParsedLoadJobFileName
    failed_message: Optional[str]

    @property
    def job_id(self) -> str:
        """What names it in its package."""
        return self.job_file_info.job_id()

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary, the parts of the name beside the rest."""
        found = self._asdict()
        del found["job_file_info"]
        return {**found, **self.job_file_info._asdict(), "job_id": self.job_id}

    def asstr(self, verbosity: int = 0) -> str:
        """One line for people."""
        text = (
            f"Job: {self.job_id}, table: {self.job_file_info.table_name} in {self.state}. "
            f"File type: {self.job_file_info.file_format}, size: {human_size(self.file_size)}. "
        )
        if self.created_at:
            text += f"Started on: {self.created_at} and completed in {self.elapsed:.2f} seconds."
        if self.failed_message:
            text += "\nThe job FAILED with the following error message:" if verbosity == 0 else ""
            text += f"\n{self.failed_message}"
        return text

    def __str__(self) -> str:
        return self.asstr(verbosity=0)


def job_of(package: Dict[str, Any], job: Dict[str, Any], folder: Optional[str], state: str, times: "Times") -> LoadJobInfo:
    """A file as the engine tells of it: `jobs/TABLE/ID.FORMAT`."""
    name = str(job["file"]).rsplit("/", 1)[-1]
    file_id, _, ending = name.partition(".")
    is_compressed = ending.endswith(".gz")
    file_format = ending[:-3] if is_compressed else ending
    path = str(Path(folder) / job["file"]) if folder else str(job["file"])
    parsed = ParsedLoadJobFileName(job["table"], file_id, 0, file_format, is_compressed)
    return LoadJobInfo(state, path, job["bytes"], times.created_at, times.elapsed, parsed, None)


class Times(NamedTuple):
    """When a package was made, and for how long it was loaded."""

    created_at: datetime
    elapsed: float


def human_size(count: int) -> str:
    """A size for people, such as `1.2K`."""
    size = float(count)
    for unit in ("B", "K", "M", "G"):
        if size < 1024:
            return f"{int(size)}B" if unit == "B" else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}T"


class LoadPackageInfo:
    """One package."""

    def __init__(
        self, package: Dict[str, Any], state: str, schema: Any = None, folder: Optional[str] = None, refresh: Optional[str] = None
    ) -> None:
        self.load_id: str = package["load_id"]
        self.package_path: str = folder or ""
        self.schema_name: str = package["schema"]
        self.schema_hash: Optional[str] = package.get("schema_hash")
        self.schema = schema
        self.state = state
        self.rows: Dict[str, int] = dict(package.get("rows") or {})
        self.created_at = datetime.fromtimestamp(_seconds(self.load_id), timezone.utc)
        self.refresh = package.get("refresh") or refresh
        self.warnings: List[str] = list(package.get("warnings") or [])
        self._update_names: Dict[str, List[str]] = dict(package.get("schema_update") or {})
        self._update: Optional[Dict[str, Any]] = None
        self._manifest: Optional[Dict[str, Any]] = None
        started, committed = _times_of(folder)
        self.completed_at: Optional[datetime] = committed if state in ("loaded", "aborted") else None
        elapsed = (committed - started).total_seconds() if started and committed and state == "loaded" else 0.0
        self.jobs: Dict[str, List[LoadJobInfo]] = {name: [] for name in JOB_STATES}
        self._times = Times(started or self.created_at, elapsed)
        self.take_jobs(package)

    def take_jobs(self, package: Dict[str, Any]) -> None:
        """Fills in the files; what the engine tells of a run has their number only."""
        jobs = package.get("jobs")
        if not isinstance(jobs, list):
            jobs = (self._file("manifest.json") or {}).get("jobs")
        place = "completed_jobs" if self.state == "loaded" else "new_jobs"
        listed = jobs if isinstance(jobs, list) else []
        self.jobs[place] = [job_of(package, job, self.package_path or None, place, self._times) for job in listed]

    def _file(self, name: str) -> Any:
        """A document of the package; `None` if it is no longer there."""
        if not self.package_path:
            return None
        try:
            return json.loads((Path(self.package_path) / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def schema_update(self) -> Dict[str, Any]:
        """Tables with the columns that are new at the destination; before a load there are none."""
        if self.state not in ("loaded", "aborted"):
            return {}
        if self._update is None:
            self._update = self._file("delta.json")
            if self._update is None:
                self._update = _update_of_names(self._update_names)
        return self._update

    def _listed(self, key: str) -> List[Any]:
        if self._manifest is None:
            self._manifest = self._file("manifest.json") or {}
        names = self._manifest.get(key) or []
        return [{"name": name} if isinstance(name, str) else name for name in names]

    @property
    def dropped_tables(self) -> List[Any]:
        """Tables that a refresh dropped."""
        return self._listed("dropped")

    @property
    def truncated_tables(self) -> List[Any]:
        """Tables that a refresh emptied."""
        return self._listed("emptied")

    @property
    def schema_migrated(self) -> bool:
        """Whether tables or columns were new."""
        return bool(self.schema_update)

    @property
    def has_pending_transitions(self) -> bool:
        """Whether a job stands between two states; the engine has no such state."""
        return False

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary; tables and columns are lists, each with where it belongs."""
        tables = []
        for name, table in self.schema_update.items():
            place = {"schema_name": self.schema_name, "load_id": self.load_id}
            columns = [{**column, "table_name": name, **place} for column in table["columns"].values()]
            tables.append({**table, "columns": columns, **place})
        return {
            "load_id": self.load_id,
            "package_path": self.package_path,
            "state": self.state,
            "completed_at": self.completed_at,
            "jobs": [job.asdict() for jobs in self.jobs.values() for job in jobs],
            "refresh": self.refresh,
            "dropped_tables": self.dropped_tables,
            "truncated_tables": self.truncated_tables,
            "has_pending_transitions": self.has_pending_transitions,
            "schema_hash": self.schema_hash,
            "schema_name": self.schema_name,
            "schema_migrated": self.schema_migrated,
            "tables": tables,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        end = (
            f"The package was {self.state.upper()} at {self.completed_at}."
            if self.completed_at
            else "The package is NOT YET LOADED to the destination."
        )
        text = (
            f"The package with load id {self.load_id} for schema {self.schema_name} is in {self.state.upper()} state. "
            f"It updated schema for {len(self.schema_update)} tables. {end}\n"
        )
        if self.refresh:
            text += f"The package was extracted with refresh '{self.refresh}'.\n"
        if verbosity > 0:
            for label, tables in (("Dropped", self.dropped_tables), ("Truncated", self.truncated_tables)):
                if tables:
                    text += f"{label} tables: {', '.join(table['name'] for table in tables)}\n"
        text += "Jobs details:\n"
        return text + "\n".join(job.asstr(verbosity) for jobs in self.jobs.values() for job in jobs)

    def __str__(self) -> str:
        return self.asstr(verbosity=0)

    def __repr__(self) -> str:
        return f"LoadPackageInfo(load_id='{self.load_id}', schema_name='{self.schema_name}', state='{self.state}')"


def _times_of(folder: Optional[str]) -> Any:
    """When a load began, and when it was committed, from the journal of the package."""
    found: Dict[str, datetime] = {}
    if folder:
        try:
            for line in (Path(folder) / "journal.jsonl").read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if "at" in entry:
                    found[entry["step"]] = datetime.fromtimestamp(entry["at"] / 1_000_000, timezone.utc)
        except (OSError, ValueError, KeyError):
            pass
    return found.get("started"), found.get("committed")


def _seconds(load_id: str) -> float:
    try:
        return float(load_id)
    except ValueError:
        return 0.0


def _update_of_names(update: Dict[str, List[str]]) -> Dict[str, Any]:
    """Tables with their new columns, of what the engine lists as `name: type`."""
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
