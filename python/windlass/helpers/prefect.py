"""Pipelines as tasks of Prefect.

    @flow
    def nightly():
        load(dlt.pipeline("shop", destination="duckdb"), shop())

`load` is a task: it tries again where that may help, its result is a small `LoadSummary`, and it leaves an artefact that shows
what was loaded. `load_parts` makes one task of each group of resources that depend on each other.
"""

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence

from windlass.common.exceptions import MissingDependencyException, ValueErrorWithKnownValues

try:
    from prefect import get_run_logger, task
    from prefect.artifacts import create_table_artifact
    from prefect.cache_policies import NO_CACHE
    from prefect.context import TaskRunContext
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.helpers.prefect", ["prefect>=3"], msg="windlass.helpers.prefect needs Prefect 3: pip install prefect"
    ) from cause

from windlass.extract.incremental.scheduler import window as _window
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource
from windlass.helpers.report import facts_of_load, rows_of_tables
from windlass.pipeline.helpers import retry_load
from windlass.pipeline.pipeline import Pipeline

_MODES = ["none", "serialize", "parallel-isolated"]


@dataclass(frozen=True)
class LoadSummary:
    """What a task loaded; small enough to be kept as its result."""

    pipeline_name: str
    dataset_name: Optional[str]
    destination_name: Optional[str]
    loads_ids: List[str]
    rows: Dict[str, int] = field(default_factory=dict)
    started_at: Optional[str] = None
    finished_at: Optional[str] = None

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return asdict(self)


def load(
    pipeline: Pipeline,
    data: Any = None,
    *,
    retries: int = 0,
    retry_delay_seconds: Any = 10,
    retry_pipeline_steps: Sequence[str] = ("load",),
    window: Any = None,
    artifact: bool = True,
    task_name: Optional[str] = None,
    **options: Any,
) -> LoadSummary:
    """Runs a pipeline as a task of the flow, and waits for it.

    `data` may be a function, which is called in the task. A failure of one of `retry_pipeline_steps` that is not final is
    tried again `retries` times; what was read already is then loaded, and not read again. `window` is a pair of times that
    becomes the range of the cursors. `options` are those of `Pipeline.run`.
    """
    made = pipeline_task(
        pipeline,
        retries=retries,
        retry_delay_seconds=retry_delay_seconds,
        retry_pipeline_steps=retry_pipeline_steps,
        artifact=artifact,
        task_name=task_name,
    )
    return made(data, window, options)  # type: ignore[no-any-return]


def pipeline_task(
    pipeline: Pipeline,
    *,
    retries: int = 0,
    retry_delay_seconds: Any = 10,
    retry_pipeline_steps: Sequence[str] = ("load",),
    artifact: bool = True,
    task_name: Optional[str] = None,
) -> Any:
    """A task that takes `data`, a window or `None`, and options of `Pipeline.run`: to be submitted or mapped as well."""
    may_help = retry_load(retry_pipeline_steps)

    async def should_retry(_task: Any, _run: Any, state: Any) -> bool:
        try:
            await state.result()
        except Exception as failure:
            return may_help(failure)
        return True

    def work(data: Any, window: Any = None, options: Optional[Dict[str, Any]] = None) -> LoadSummary:
        return _load(pipeline, data, window, options or {}, artifact)

    # Data can be a generator, and is not for a cache to look at.
    return task(
        name=task_name or f"load {pipeline.pipeline_name}",
        retries=retries,
        retry_delay_seconds=retry_delay_seconds,
        retry_condition_fn=should_retry,
        cache_policy=NO_CACHE,
    )(work)


def load_parts(
    pipeline: Pipeline, source: DltSource, *, decompose: str = "serialize", **options: Any
) -> List[LoadSummary]:
    """One task for each group of resources that depend on each other.

    `serialize`: one after the other, as a working folder belongs to one run. `parallel-isolated`: all at once, each with a
    pipeline, and so a state, of its own. `none`: one task.
    """
    if decompose not in _MODES:
        raise ValueErrorWithKnownValues("decompose", decompose, _MODES)
    parts = source.decompose("none" if decompose == "none" else "scc")
    named = [(part, f"load {pipeline.pipeline_name}: {', '.join(part.selected_resources)}") for part in parts]
    if decompose != "parallel-isolated":
        return [load(pipeline, part, task_name=name, **options) for part, name in named]
    run_options, task_options = _split(options)
    span = run_options.pop("window", None)
    futures = []
    for part, name in named:
        own = _derived(pipeline, "_".join(part.selected_resources))
        made = pipeline_task(own, task_name=name, **task_options)
        futures.append(made.submit(part, span, run_options))
    return [future.result() for future in futures]


def _split(options: Dict[str, Any]) -> Any:
    """Options of a run, and those of a task."""
    names = ("retries", "retry_delay_seconds", "retry_pipeline_steps", "artifact")
    return (
        {name: value for name, value in options.items() if name not in names},
        {name: value for name, value in options.items() if name in names},
    )


def _derived(pipeline: Pipeline, part: str) -> Pipeline:
    """A pipeline like the given one, with a working folder of its own."""
    from windlass._native import native

    name = native().normalize_name(part, "table")
    return pipeline.derived(f"{pipeline.pipeline_name}_{name}")


def _load(pipeline: Pipeline, data: Any, window: Any, options: Dict[str, Any], artifact: bool) -> LoadSummary:
    logger = get_run_logger()
    context = TaskRunContext.get()
    attempt = context.task_run.run_count if context is not None else 1
    pipeline.activate()
    try:
        if callable(data) and not isinstance(data, (DltResource, DltSource)):
            data = data()
        if attempt > 1 and pipeline.has_pending_data:
            # What was read before the load failed waits; it is not read again.
            info = pipeline.run(None)
        elif window is not None:
            with _window(*window):
                info = pipeline.run(data, **options)
        else:
            info = pipeline.run(data, **options)
    finally:
        pipeline.deactivate()
    logger.info("%s", info)
    summary = _summary(pipeline, info)
    if artifact:
        create_table_artifact(
            key=artifact_key(pipeline.pipeline_name),
            table=[{"table": table, "rows": rows} for table, rows in summary.rows.items()] or [{"table": "", "rows": 0}],
            description=f"loaded by the pipeline {pipeline.pipeline_name} into {summary.destination_name}, "
            f"dataset {summary.dataset_name}, packages {', '.join(summary.loads_ids) or 'none'}",
        )
    return summary


def _summary(pipeline: Pipeline, info: Any) -> LoadSummary:
    if info is None:
        return LoadSummary(pipeline.pipeline_name, None, None, [])
    facts = facts_of_load(info)
    return LoadSummary(
        facts["pipeline_name"],
        facts["dataset_name"],
        facts["destination_name"],
        facts["loads_ids"],
        rows_of_tables(info),
        facts["started_at"],
        facts["finished_at"],
    )


def artifact_key(pipeline_name: str) -> str:
    """The key of the artefact of a pipeline: Prefect allows small letters, digits and dashes."""
    return "load-" + re.sub(r"[^a-z0-9]+", "-", pipeline_name.lower()).strip("-")


__all__: List[str] = ["LoadSummary", "artifact_key", "load", "load_parts", "pipeline_task"]
