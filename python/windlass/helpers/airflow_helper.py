"""Pipelines as tasks of Airflow: `PipelineTasksGroup`, with the reference's arguments and task names.

Works with Airflow 2.7 and later, and with Airflow 3. Nothing here is imported by windlass itself.
"""

import contextlib
import logging
import os
import re
import shutil
import uuid
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from windlass.common.exceptions import MissingDependencyException, ValueErrorWithKnownValues

try:
    try:
        from airflow.providers.standard.operators.empty import EmptyOperator  # type: ignore
        from airflow.providers.standard.operators.python import PythonOperator  # type: ignore
        from airflow.sdk import BaseOperator, TaskGroup  # type: ignore
    except ImportError:
        from airflow.models import BaseOperator  # type: ignore
        from airflow.operators.empty import EmptyOperator  # type: ignore
        from airflow.operators.python import PythonOperator  # type: ignore
        from airflow.utils.task_group import TaskGroup  # type: ignore
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.helpers.airflow_helper",
        ["apache-airflow>=2.7"],
        msg="windlass.helpers.airflow_helper runs inside of Airflow: install apache-airflow 2.7 or later",
    ) from cause

from windlass.common.configuration.accessors import config
from windlass.common.configuration.resolve import lookup
from windlass.extract.incremental.scheduler import interval as airflow_get_execution_dates
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource
from windlass.pipeline.helpers import retry_load
from windlass.pipeline.pipeline import Pipeline
from windlass.progress import Collector, log

#: One attempt.
DEFAULT_RETRY_NO_RETRY = Retrying(stop=stop_after_attempt(1), reraise=True)
#: Five attempts, with pauses that grow.
DEFAULT_RETRY_BACKOFF = Retrying(
    stop=stop_after_attempt(5), wait=wait_exponential(multiplier=1.5, min=4, max=10), reraise=True
)

#: The folder that Cloud Composer shares between its workers.
_COMPOSER_DATA = Path("/home/airflow/gcs/data")
_MODES = ["none", "serialize", "parallel", "parallel-isolated"]
_NAMED_RESOURCES = 4
_logger = logging.getLogger("airflow.task")


class PipelineTasksGroup(TaskGroup):  # type: ignore[misc]
    """A task group to which runs of pipelines are added.

    Settings are looked for beside the DAGs, in `.windlass` and `.dlt`, and in the Airflow Variable `dlt_secrets_toml`.
    Each worker gets a working folder of its own; a pipeline must therefore be made after the group.
    """

    def __init__(
        self,
        pipeline_name: str,
        use_data_folder: bool = False,
        local_data_folder: Optional[str] = None,
        use_task_logger: bool = True,
        log_progress_period: float = 30.0,
        buffer_max_items: int = 1000,
        retry_policy: Retrying = DEFAULT_RETRY_NO_RETRY,
        retry_pipeline_steps: Sequence[str] = ("load",),
        abort_task_if_any_job_failed: bool = True,
        wipe_local_data: bool = True,
        save_load_info: bool = False,
        save_trace_info: bool = False,
        truncate_staging_destination: Optional[bool] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id=pipeline_name, **kwargs)
        if not abort_task_if_any_job_failed:
            raise NotImplementedError(
                "abort_task_if_any_job_failed=False: windlass loads a package whole or not at all, so that a task whose "
                "job failed cannot succeed (yet); leave the argument out"
            )
        if truncate_staging_destination:
            raise NotImplementedError("truncate_staging_destination=True: windlass has no staging destinations (yet)")
        self.use_data_folder = use_data_folder
        self.local_data_folder = local_data_folder
        self.use_task_logger = use_task_logger
        self.log_progress_period = log_progress_period
        self.buffer_max_items = buffer_max_items
        self.retry_policy = retry_policy
        self.retry_pipeline_steps = tuple(retry_pipeline_steps)
        self.abort_task_if_any_job_failed = abort_task_if_any_job_failed
        self.wipe_local_data = wipe_local_data
        self.save_load_info = save_load_info
        self.save_trace_info = save_trace_info
        self.truncate_staging_destination = truncate_staging_destination
        self._used_names: Dict[str, int] = {}
        self._set_folders()

    def _set_folders(self) -> None:
        """The project lies beside the DAGs; pipelines work in a folder that no other process has."""
        os.environ["DLT_PROJECT_DIR"] = _dags_folder()
        parent = Path(self.local_data_folder or gettempdir())
        if self.use_data_folder:
            if _COMPOSER_DATA.is_dir():
                parent = _COMPOSER_DATA
            else:
                _logger.warning("use_data_folder: there is no %s here, %s is used", _COMPOSER_DATA, parent)
        self.data_dir = str(parent / f"dlt_{uuid.uuid4().hex[:16]}")
        # A data folder of windlass's own name would be the stronger one.
        os.environ.pop("WINDLASS_DATA_DIR", None)
        os.environ["DLT_DATA_DIR"] = os.environ["DLT_LOCAL_DIR"] = self.data_dir

    # -- one task

    def run(
        self,
        pipeline: Pipeline,
        data: Any,
        table_name: Optional[str] = None,
        write_disposition: Any = None,
        loader_file_format: Optional[str] = None,
        schema_contract: Any = None,
        pipeline_name: Optional[str] = None,
        on_before_run: Optional[Callable[[], None]] = None,
        **kwargs: Any,
    ) -> Any:
        """A task that runs `pipeline` with `data`.

        `data` may be a function, which is called in the task, after `on_before_run`. With `pipeline_name` a pipeline of
        that name is derived. Further arguments are those of the operator.
        """
        self._check_folder(pipeline)
        name = kwargs.pop("task_id", None) or _task_name(pipeline, data)

        def work() -> None:
            self._run(
                pipeline,
                data,
                table_name=table_name,
                write_disposition=write_disposition,
                loader_file_format=loader_file_format,
                schema_contract=schema_contract,
                pipeline_name=pipeline_name,
                on_before_run=on_before_run,
            )

        work.__name__ = re.sub(r"\W", "_", name)
        with self:
            return PythonOperator(task_id=self._numbered(name), python_callable=work, **kwargs)

    def _check_folder(self, pipeline: Pipeline) -> None:
        if not pipeline.pipelines_dir.startswith(self.data_dir):
            raise ValueError(
                f"the pipeline `{pipeline.pipeline_name}` works in `{pipeline.pipelines_dir}`, and this group has the folder "
                f"`{self.data_dir}` for it: make the PipelineTasksGroup before the pipeline, and give it no pipelines_dir"
            )

    def _run(
        self,
        pipeline: Pipeline,
        data: Any,
        pipeline_name: Optional[str] = None,
        on_before_run: Optional[Callable[[], None]] = None,
        **options: Any,
    ) -> None:
        """Runs the pipeline inside of a task: tries again as the policy says, and leaves nothing behind."""
        if on_before_run is not None:
            on_before_run()
        if callable(data) and not isinstance(data, (DltResource, DltSource)):
            data = data()
        task_pipeline = pipeline.drop(pipeline_name=pipeline_name) if pipeline_name else pipeline.drop()
        task_pipeline.activate()
        if self.log_progress_period > 0 and type(task_pipeline.collector) is Collector:
            target = _logger if self.use_task_logger else "stdout"
            task_pipeline.collector = log(log_period=self.log_progress_period, logger=target)
        try:
            with self._settings(task_pipeline), self._logging():
                info = self._load_with_retries(task_pipeline, data, options)
                _logger.info("%s", info)
                trace = task_pipeline.last_trace
                if self.save_load_info and info is not None:
                    _logger.info("%s", task_pipeline.run([info], table_name="_load_info"))
                if self.save_trace_info and trace is not None:
                    _logger.info("%s", task_pipeline.run([trace], table_name="_trace"))
        finally:
            task_pipeline.deactivate()
            if self.wipe_local_data:
                shutil.rmtree(task_pipeline.working_dir, ignore_errors=True)

    def _load_with_retries(self, pipeline: Pipeline, data: Any, options: Dict[str, Any]) -> Any:
        may_help = retry_if_exception(retry_load(self.retry_pipeline_steps))
        info = None
        for attempt in self.retry_policy.copy(retry=may_help, reraise=True):
            with attempt:
                number = attempt.retry_state.attempt_number
                if number > 1:
                    _logger.warning("pipeline %s: attempt %d", pipeline.pipeline_name, number)
                # What was read before the load failed waits; it is not read again.
                is_waiting = number > 1 and pipeline.has_pending_data
                info = pipeline.run(None) if is_waiting else pipeline.run(data, **options)
        return info

    @contextlib.contextmanager
    def _settings(self, pipeline: Pipeline) -> Iterator[None]:
        """Small buffers, unless their size is set: workers have little memory."""
        values: Dict[str, Any] = {}
        name = "buffer_max_items"
        known, _ = lookup(name, ("normalize",), embedded=("data_writer",), pipeline=pipeline.pipeline_name)
        if self.buffer_max_items > 0 and known is None:
            values[f"normalize.data_writer.{name}"] = self.buffer_max_items
        with config.values(values):
            yield

    @contextlib.contextmanager
    def _logging(self) -> Iterator[None]:
        """Sends what windlass logs to the log of the task."""
        if not self.use_task_logger:
            yield
            return
        logger = logging.getLogger("windlass")
        added = [handler for handler in _logger.handlers if handler not in logger.handlers]
        for handler in added:
            logger.addHandler(handler)
        try:
            yield
        finally:
            for handler in added:
                logger.removeHandler(handler)

    # -- several tasks

    def add_run(
        self,
        pipeline: Pipeline,
        data: Any,
        *,
        decompose: str = "none",
        table_name: Optional[str] = None,
        write_disposition: Any = None,
        loader_file_format: Optional[str] = None,
        schema_contract: Any = None,
        pipeline_name: Optional[str] = None,
        on_before_run: Optional[Callable[[], None]] = None,
        serialize_first_task: bool = True,
        **kwargs: Any,
    ) -> List[Any]:
        """Adds the tasks that run `pipeline` with `data`; gives them.

        `decompose`: `none` makes one task; `serialize` one for each group of resources that depend on each other, one
        after the other; `parallel` runs the first one alone and then all others at once; with `parallel-isolated` each of
        these has a pipeline, and so a state, of its own. `serialize_first_task=False` begins with an empty task instead of
        the first one.
        """
        if decompose not in _MODES:
            raise ValueErrorWithKnownValues("decompose", decompose, _MODES)

        def task(part: Any, name: Optional[str] = None) -> Any:
            return self.run(
                pipeline,
                part,
                table_name=table_name,
                write_disposition=write_disposition,
                loader_file_format=loader_file_format,
                schema_contract=schema_contract,
                pipeline_name=name or pipeline_name,
                on_before_run=on_before_run,
                **kwargs,
            )

        if decompose == "none":
            return [task(data)]
        if not isinstance(data, DltSource):
            raise ValueError("Can only decompose dlt sources")
        if pipeline.dev_mode:
            raise ValueError("Cannot decompose pipelines with `dev_mode=True`")
        parts = data.decompose("scc")
        if decompose == "serialize":
            chain = [task(part) for part in parts]
            for before, after in zip(chain, chain[1:]):
                before >> after
            return chain
        isolated = decompose == "parallel-isolated"
        tasks = [task(part, self._own_pipeline(pipeline, part) if isolated else None) for part in parts]
        whole = _task_name(pipeline, data)
        with self:
            end = EmptyOperator(task_id=self._numbered(f"{whole}_end"))
            if serialize_first_task:
                first, others, listed = tasks[0], tasks[1:], tasks
            else:
                first, others = EmptyOperator(task_id=self._numbered(f"{whole}_start")), tasks
                listed = [first, *tasks]
        if others:
            first >> others >> end
        else:
            first >> end
        return [*listed, end]

    def _own_pipeline(self, pipeline: Pipeline, part: DltSource) -> str:
        """The name of the pipeline of one part."""
        from windlass._native import native

        name = self._numbered(_task_name(pipeline, part))
        return f"{pipeline.pipeline_name}_{native().normalize_name(name, 'table')}"

    def _numbered(self, name: str) -> str:
        """A name that no other task of the group has."""
        number = self._used_names.get(name, 0) + 1
        self._used_names[name] = number
        return name if number == 1 else f"{name}-{number}"


def _task_name(pipeline: Pipeline, data: Any) -> str:
    """The name of a task: the source and its first resources, else the pipeline."""
    if not isinstance(data, DltSource):
        return pipeline.pipeline_name
    names = list(data.selected_resources)
    told = "-".join(names[:_NAMED_RESOURCES])
    more = len(names) - _NAMED_RESOURCES
    return f"{data.name}_{told}" + (f"-{more}-more" if more > 0 else "")


def _dags_folder() -> str:
    from airflow.configuration import conf  # type: ignore

    return str(conf.get("core", "dags_folder"))


def connection_url(conn_id: str) -> str:
    """The URL of an Airflow Connection, to be given as credentials: `postgres(credentials=connection_url("warehouse"))`.

    To be called in a task, or in a function that is given as `data`: it holds the password.
    """
    try:
        from airflow.sdk import Connection
    except ImportError:
        from airflow.models import Connection  # type: ignore
    getter = getattr(Connection, "get", None) or Connection.get_connection_from_secrets
    url = str(getter(conn_id).get_uri())
    return re.sub(r"^postgres://", "postgresql://", url)


__all__ = [
    "BaseOperator",
    "DEFAULT_RETRY_BACKOFF",
    "DEFAULT_RETRY_NO_RETRY",
    "PipelineTasksGroup",
    "airflow_get_execution_dates",
    "connection_url",
]
