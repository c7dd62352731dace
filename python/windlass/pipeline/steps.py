"""From what the engine tells of a run to the infos of its steps."""

import os
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Sequence

from windlass.common.pipeline import ExtractInfo, LoadInfo, LoadPackageInfo, NormalizeInfo, StepInfo
from windlass.pipeline.trace import PipelineStepTrace, PipelineTrace


def packages_of(pipeline: Any, info: Dict[str, Any], state: str, refresh: Optional[str] = None) -> List[LoadPackageInfo]:
    """The packages of a run, with their files and schemas."""
    schemas = pipeline.schemas if info["packages"] else {}
    return [
        LoadPackageInfo(package, state, schemas.get(package["schema"]), package_folder(pipeline, package["load_id"]), refresh)
        for package in info["packages"]
    ]


def package_folder(pipeline: Any, load_id: str) -> str:
    """Where a package lies."""
    return os.path.join(pipeline.working_dir, "packages", load_id)


def load_info(pipeline: Any, info: Dict[str, Any], packages: List[LoadPackageInfo]) -> LoadInfo:
    """What was loaded, and where to."""
    told = dict(info)
    destination = pipeline.destination
    if destination is not None:
        told["destination_name"] = destination.destination_name
        told["environment"] = destination.environment
        if not destination.needs_dataset:
            told["dataset"] = None
    if told.get("destination") == "duckdb" and not str(told.get("location", "")).startswith(":"):
        told["location"] = f"duckdb:///{told['location']}"
    if not packages:
        # Nothing was there to be loaded: the step did not start.
        told.update(dataset=None, started_at=None, finished_at=None)
    return LoadInfo(pipeline, told, packages)


def record_run(
    trace: PipelineTrace,
    pipeline: Any,
    info: Dict[str, Any],
    extractions: Sequence[Any],
    refresh: Optional[str],
    started: datetime,
) -> LoadInfo:
    """Adds the three steps of a run to its trace: the engine does them as one, and tells how long each took."""
    finished = datetime.now(timezone.utc)
    loading = timedelta(seconds=sum(package.get("load_seconds") or 0.0 for package in info["packages"]))
    began = min(_time(info.get("started_at")) or started, finished)
    ended = min(_time(info.get("finished_at")) or finished, finished)
    # Reading and making tables of what was read end together.
    read = max(ended - loading, began)
    loaded = load_info(pipeline, {**info, **_times(read, ended)}, packages_of(pipeline, info, "loaded", refresh))
    extracted = packages_of(pipeline, info, "extracted", refresh)
    normalized = packages_of(pipeline, info, "normalized", refresh)
    steps: List[Any] = [
        ("extract", began, read, ExtractInfo(pipeline, {**info, **_times(began, read)}, extracted, extractions)),
        ("normalize", read, read, NormalizeInfo(pipeline, {**info, **_times(read, read)}, normalized)),
        ("load", read, ended, loaded),
    ]
    for name, start, end, step_info in steps:
        add_step(trace, name, start, end, step_info)
    return loaded


def add_step(trace: PipelineTrace, name: str, started: datetime, finished: datetime, step_info: Optional[StepInfo]) -> None:
    """Adds a step that went well."""
    step = PipelineStepTrace(name, started)
    step.finished_at = finished
    step.step_info = step_info
    trace.add(step)


def _times(started: datetime, finished: datetime) -> Dict[str, str]:
    return {"started_at": started.isoformat(), "finished_at": finished.isoformat()}


def _time(text: Optional[str]) -> Optional[datetime]:
    if not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def stored_trace(pipeline: Any) -> Optional[PipelineTrace]:
    """The trace of the last run of any process, as the engine keeps it; `None` if there was no run."""
    import json

    text = pipeline._work().trace()
    if text is None:
        return None
    info = json.loads(text)
    trace = PipelineTrace(pipeline.pipeline_name)
    trace.started_at = _time(info.get("started_at")) or trace.started_at
    finished = _time(info.get("finished_at")) or trace.started_at
    error = info.get("error")
    if error:
        step = PipelineStepTrace("run", trace.started_at)
        step.finished_at = finished
        step.step_exception = str(error.get("message", error)) if isinstance(error, dict) else str(error)
        trace.add(step)
        return trace
    add_step(trace, "run", trace.started_at, finished, record_run(trace, pipeline, info, (), None, trace.started_at))
    return trace
