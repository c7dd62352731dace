"""Pipelines: a name, a destination, a dataset and a working folder. The engine does the work."""

import contextlib
import json
import os
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from windlass._native import native
from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.providers import global_dir, local_dir
from windlass.common.configuration.resolve import lookup, resolved_values, watch_values
from windlass.common.configuration.unused import warn_of_unused
from windlass.common.pipeline import ExtractInfo, LoadInfo, NormalizeInfo
from windlass.common.runtime.logs import configure as configure_logs
from windlass.destinations import resolve as resolve_destination
from windlass.pipeline.active import activate, active
from windlass.pipeline.data import sources_of
from windlass.pipeline.errors import step_error, stored_exception
from windlass.pipeline.packages import Packages
from windlass.pipeline.repeats import repeated
from windlass.pipeline.settings import section, settings_of
from windlass.pipeline.steps import load_info, packages_of, record_run, stored_trace
from windlass.pipeline.trace import PipelineStepTrace, PipelineTrace
from windlass.pipeline.exceptions import (
    CannotRestorePipelineException,
    InvalidPipelineName,
    PipelineConfigMissing,
)

_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f]')

def pipelines_dir() -> Path:
    """The folder of the working folders of all pipelines."""
    return global_dir() / "pipelines"


class Pipeline(Packages):
    """A name, a destination, a dataset and a working folder."""

    STATE_FILE = "state.json"
    DEFAULT_DATASET_SUFFIX = "_dataset"

    def __init__(
        self,
        pipeline_name: str,
        pipelines_dir: Any = None,
        pipeline_salt: Any = None,
        destination: Any = None,
        staging: Any = None,
        dataset_name: Optional[str] = None,
        import_schema_path: Any = None,
        export_schema_path: Any = None,
        dev_mode: bool = False,
        refresh: Optional[str] = None,
        progress: Any = None,
        must_attach: bool = False,
    ) -> None:
        self.pipeline_name = pipeline_name
        if staging is not None:
            raise NotImplementedError(
                "windlass has no staging destinations (yet): load into the destination itself, without `staging`"
            )
        from windlass.progress import collector_of

        self.pipelines_dir = str(pipelines_dir or globals()["pipelines_dir"]())
        self.pipeline_salt = pipeline_salt
        self.refresh = refresh
        self.collector = collector_of(progress)
        self.staging = None
        self.dev_mode = bool(dev_mode)
        self._import_schema_path = import_schema_path
        self._export_schema_path = export_schema_path
        self._given_destination = resolve_destination(destination)
        self._dataset_name = dataset_name
        self._engine: Any = None
        self._engine_key: Any = None
        self._trace: Optional[PipelineTrace] = None
        self._local: Dict[str, Any] = {}
        self._is_synced = False
        self._extract_options: Dict[str, Any] = {}
        self._dev_suffix = ""
        self._attached = must_attach
        if self.dev_mode and not must_attach:
            self._dev_suffix = datetime.now().strftime("_%Y%m%d%I%M%S")
            import shutil

            shutil.rmtree(self.working_dir, ignore_errors=True)
        elif not must_attach and self._was_dev_mode():
            self.drop_local()

    # -- what it is

    @property
    def pipeline_name(self) -> str:
        """The name, which is also that of the working folder."""
        return self._pipeline_name

    @pipeline_name.setter
    def pipeline_name(self, value: str) -> None:
        if not isinstance(value, str) or not value or _FORBIDDEN.search(value) or value.startswith("."):
            raise InvalidPipelineName(
                value, "", msg=f"`{value}` cannot be the name of a pipeline: it is also the name of a folder"
            )
        if value != getattr(self, "_pipeline_name", value):
            # What is open is that of the old name.
            self._engine = self._trace = None
        self._pipeline_name = value

    @property
    def working_dir(self) -> str:
        """The working folder."""
        return os.path.join(self.pipelines_dir, self.pipeline_name)

    def _was_dev_mode(self) -> bool:
        try:
            return bool(self._state_file().get("_local", {}).get("_dev_mode"))
        except CannotRestorePipelineException:
            # Whoever needs the state is told; packages can be given up, and the folder dropped, without it.
            return False

    def _state_file(self) -> Dict[str, Any]:
        path = Path(self.working_dir) / self.STATE_FILE
        if not path.exists():
            return {}
        try:
            state = native().typed_loads(path.read_text(encoding="utf-8"))
            if not isinstance(state, dict):
                raise ValueError("it holds no object")
        except (OSError, ValueError, native().EngineError) as cause:
            reason = (
                f"{path} cannot be read: {cause}: remove it, the next run restores it from the destination; packages that "
                "wait keep their own, drop_pending_packages() gives them up"
            )
            raise CannotRestorePipelineException(
                self.pipeline_name, self.pipelines_dir, reason, msg=f"the pipeline `{self.pipeline_name}`: {reason}"
            ) from cause
        return state

    @property
    def destination(self) -> Any:
        """Where the data goes."""
        if self._given_destination is None:
            stored = self._state_file().get("destination_type")
            if stored and not str(stored).endswith(".destination"):
                self._given_destination = resolve_destination(stored)
        return self._given_destination

    @destination.setter
    def destination(self, value: Any) -> None:
        self._given_destination = resolve_destination(value)

    def _setting(self, name: str) -> Any:
        value, _ = lookup(name, ("pipelines", self.pipeline_name), pipeline=self.pipeline_name)
        return value

    @property
    def dataset_name(self) -> Optional[str]:
        """The name of the dataset, as it was given."""
        name = self._dataset_name or self._setting("dataset_name") or self._state_file().get("dataset_name")
        if self._dataset_name and self._dev_suffix and self._dataset_name.endswith(self._dev_suffix):
            return self._dataset_name
        destination = self.destination
        if name is None and (destination is None or not destination.needs_dataset):
            return None
        if name is None:
            name = f"{self.pipeline_name}{self.DEFAULT_DATASET_SUFFIX}"
        layout = self._setting("dataset_name_layout")
        if layout and self._dataset_name is None:
            name = str(layout).replace("%s", str(name))
        return f"{name}{self._dev_suffix}"

    @dataset_name.setter
    def dataset_name(self, value: Optional[str]) -> None:
        self._dataset_name = value

    @property
    def is_active(self) -> bool:
        """Whether it is the active one of this thread."""
        return active() is self

    @property
    def default_schema_name(self) -> Optional[str]:
        """The name of the schema of its first source."""
        names = self._schemas_by_name()
        default = self.state.get("default_schema_name")
        return default if default in names else next(iter(names), None)

    @property
    def schema_names(self) -> List[str]:
        """The names of its schemas."""
        return sorted(self._schemas_by_name())

    @property
    def first_run(self) -> bool:
        """Whether it never loaded."""
        return bool(self.state.get("_local", {}).get("first_run", True))

    @property
    def state(self) -> Dict[str, Any]:
        """A copy of its state."""
        text = self._work().state()
        if text is None:
            return self._new_state()
        state = native().typed_loads(text)
        state.get("_local", {}).update(self._local)
        return state  # type: ignore[no-any-return]

    def _new_state(self) -> Dict[str, Any]:
        """The state before the first run."""
        return {
            "_state_version": 0,
            "_state_engine_version": 4,
            "pipeline_name": self.pipeline_name,
            "default_schema_name": None,
            "schema_names": [],
            "_local": {"first_run": True, **self._local},
        }

    def _schemas_by_name(self) -> Dict[str, Dict[str, Any]]:
        documents = [json.loads(text) for text in self._work().schemas()]
        return {document["name"]: document for document in documents}

    @property
    def schemas(self) -> Dict[str, Any]:
        """Its schemas by name."""
        from windlass.common.schema import Schema

        return {name: Schema.from_stored_schema(document) for name, document in self._schemas_by_name().items()}

    @property
    def default_schema(self) -> Any:
        """The schema of its first source."""
        name = self.default_schema_name
        if name is None:
            raise FileNotFoundError(f"pipeline `{self.pipeline_name}` has no schema yet: run it first")
        return self.schemas[name]

    @property
    def naming(self) -> Any:
        """The naming convention."""
        from windlass.common.normalizers.naming import NamingConvention

        return self.default_schema.naming if self.default_schema_name else NamingConvention()

    @property
    def last_trace(self) -> Optional[PipelineTrace]:
        """What the last run did, be it of another process."""
        if self._trace is None:
            self._trace = stored_trace(self)
        return self._trace

    @property
    def has_data(self) -> bool:
        """Whether packages wait or were loaded."""
        return bool(self._schemas_by_name()) or self.has_pending_data

    @property
    def has_pending_data(self) -> bool:
        """Whether packages wait to be loaded."""
        return bool(self.list_normalized_load_packages())

    @property
    def runtime_config(self) -> Dict[str, Any]:
        """Settings of the run time; the engine has none."""
        return {"pipeline_name": self.pipeline_name}

    @property
    def config(self) -> "Pipeline":
        """The pipeline itself holds its settings."""
        return self

    @property
    def encryption_seed(self) -> Any:
        """The salt."""
        return self.pipeline_salt

    # -- the engine

    def _work(self) -> Any:
        """An engine that is asked for what is in the working folder only."""
        if self._engine is not None:
            return self._engine
        description = {
            "name": self.pipeline_name,
            "pipelines_dir": self.pipelines_dir,
            "dataset": None,
            "destination": {"kind": "filesystem", "options": {"bucket_url": self.working_dir}},
            "folder": str(local_dir()),
            "settings": {},
        }
        return native().Engine(json.dumps(description))

    def engine(self, loader_file_format: Optional[str] = None) -> Any:
        """The engine with what is set now."""
        configure_logs(self.pipeline_name)
        warn_of_unused(self.pipeline_name)
        self._check_files()
        destination = self.destination
        if destination is None:
            raise PipelineConfigMissing(
                self.pipeline_name,
                "destination",
                "load",
                None,
                msg=f"pipeline `{self.pipeline_name}` has no destination: give one to dlt.pipeline(destination=...), or set "
                "`destination_type` in the settings",
            )
        description = json.dumps(
            {
                "name": self.pipeline_name,
                "pipelines_dir": self.pipelines_dir,
                "dataset": self.dataset_name,
                "destination": destination.description(self.pipeline_name),
                "folder": str(local_dir()),
                "settings": settings_of(self, loader_file_format),
            }
        )
        if hasattr(destination, "working_dir"):
            destination.working_dir = Path(self.working_dir)
        # Functions are no part of the description: who they belong to tells them apart.
        key = (description, id(destination) if destination.placeholders is not None else None)
        if self._engine is None or self._engine_key != key or destination.sink is not None:
            try:
                self._engine = native().Engine(description, destination.sink, destination.placeholders)
            except native().EngineError as cause:
                if cause.code not in ("invalid_layout", "unknown_placeholder"):
                    raise
                error = step_error(self, "sync", cause)
                raise error from stored_exception(error)
            self._engine_key = key
        return self._engine

    def _configure(self, destination: Any, staging: Any, dataset_name: Optional[str], credentials: Any = None) -> None:
        if staging is not None:
            raise NotImplementedError("windlass has no staging destinations (yet): leave `staging` out")
        if destination is not None:
            self._given_destination = resolve_destination(destination, credentials)
        elif credentials is not None and self.destination is not None:
            self._given_destination = self.destination.with_credentials(credentials)
        if self.destination is None:
            configured = self._setting("destination_type")
            if configured:
                self._given_destination = resolve_destination(configured)
        if dataset_name is not None:
            self._dataset_name = f"{dataset_name}{self._dev_suffix}" if self._dev_suffix else dataset_name

    # -- running it

    def run(
        self,
        data: Any = None,
        *,
        destination: Any = None,
        staging: Any = None,
        dataset_name: Optional[str] = None,
        credentials: Any = None,
        table_name: Optional[str] = None,
        write_disposition: Any = None,
        columns: Any = None,
        primary_key: Any = None,
        schema: Any = None,
        loader_file_format: Optional[str] = None,
        table_format: Optional[str] = None,
        schema_contract: Any = None,
        refresh: Optional[str] = None,
    ) -> Optional[LoadInfo]:
        """Loads what waits, then the data; gives what was loaded."""
        self.activate()
        self._configure(destination, staging, dataset_name, credentials)
        engine = self.engine(loader_file_format)
        if data is None and not self.has_pending_data:
            with self._step("run", engine):
                return None
        self._trace = PipelineTrace(self.pipeline_name)
        watch_values()
        with self._step("run", engine) as step:
            sources: List[Any] = []
            if data is not None:
                with self._step_of_sources(engine):
                    sources = sources_of(
                        self,
                        data,
                        table_name=table_name,
                        write_disposition=write_disposition,
                        columns=columns,
                        primary_key=primary_key,
                        schema=schema,
                        table_format=table_format,
                        file_format=loader_file_format,
                        schema_contract=schema_contract,
                    )
            info, extractions = self._drive(engine, engine.run, sources, refresh, schema_contract)
            found = record_run(self._trace, self, info, extractions, refresh or self.refresh, step.started_at)
            step.step_info = found
        return found

    @contextlib.contextmanager
    def _step_of_sources(self, engine: Any) -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            raise
        except Exception as cause:
            raise step_error(self, "extract", cause) from cause

    def _drive(
        self, engine: Any, run: Any, sources: List[Any], refresh: Optional[str], contract: Any
    ) -> Tuple[Dict[str, Any], List[Any]]:
        """Lets the engine run, with progress on show; gives what it tells, and what was read."""
        from windlass.extract.exceptions import SourceExhausted
        from windlass.extract.source import SourceExtraction
        from windlass.extract.hints import to_json
        from windlass.extract.words import check_refresh

        options = {"refresh": refresh or self.refresh or self._setting("refresh")}
        check_refresh(options["refresh"])
        if contract is not None:
            options["schema_contract"] = contract
        settings = self._extract_settings()
        nesting = getattr(self.destination, "max_table_nesting", None)
        for source in sources:
            if source.exhausted:
                raise SourceExhausted(
                    source.name,
                    msg=f"Source `{source.name}` is exhausted or has active iterator: a generator can be read once; make a new "
                    "one for each run, or pass the generator function",
                )
            if source.max_table_nesting is None:
                own, _ = lookup("max_table_nesting", ("sources", source.section, source.name), pipeline=self.pipeline_name)
                source.max_table_nesting = coerce("max_table_nesting", own, int) if own is not None else nesting
        repeats = [] if options["refresh"] or not sources else repeated(sources, self._schemas_by_name())
        run_counts = self.collector.counts(self)
        extractions = [SourceExtraction(source, run_counts, settings) for source in sources]
        with self.collector.watching(self, engine, extractions):
            try:
                info = json.loads(run(extractions, to_json(options)))
            except KeyboardInterrupt:
                # The engine was stopped for good; the next run gets a new one.
                self._engine = None
                raise
        warnings = info.setdefault("warnings", [])
        warnings += repeats
        for warning in warnings:
            _logger().warning("%s", warning)
        # These were logged when they came up.
        warnings += [notice for extraction in extractions for notice in extraction.notices.values()]
        return info, extractions

    def _extract_settings(self) -> Any:
        from windlass.extract.pipe import ExtractSettings

        kinds = {"max_parallel_items": int, "workers": int, "futures_poll_interval": float, "copy_on_fork": bool, "next_item_mode": str}
        given = {name: value for name, value in self._extract_options.items() if value is not None}
        self._extract_options = {}
        settings = ExtractSettings(**{**section(self, "extract", kinds), **given})
        if settings.next_item_mode not in ("round_robin", "fifo"):
            from windlass.common.exceptions import ValueErrorWithKnownValues

            raise ValueErrorWithKnownValues("next_item_mode", settings.next_item_mode, ["round_robin", "fifo"])
        return settings

    @contextlib.contextmanager
    def _step(self, name: str, engine: Any) -> Iterator[PipelineStepTrace]:
        """Records a step, and turns what goes wrong into the reference's exception."""
        from windlass.pipeline.exceptions import PipelineStepFailed

        if self._trace is None:
            self._trace = PipelineTrace(self.pipeline_name)
        step = PipelineStepTrace(name, datetime.now(timezone.utc))
        try:
            yield step
        except (KeyboardInterrupt, SystemExit) as cause:
            self._fail(step, cause)
            raise
        except PipelineStepFailed as cause:
            self._fail(step, cause)
            raise
        except Exception as cause:
            error = step_error(self, name, cause, engine)
            error.__cause__ = stored_exception(error)
            self._fail(step, error)
            raise error from error.__cause__
        step.finished_at = datetime.now(timezone.utc)
        self._end(step)

    def _end(self, step: PipelineStepTrace) -> None:
        assert self._trace is not None
        self._trace.resolved_config_values = resolved_values()
        self._trace.add(step)

    def _fail(self, step: PipelineStepTrace, cause: BaseException) -> None:
        step.finished_at = datetime.now(timezone.utc)
        step.fail(cause)
        assert self._trace is not None
        failed = getattr(cause, "step", None)
        if failed and failed != step.step:
            own = PipelineStepTrace(failed, step.started_at)
            own.finished_at = step.finished_at
            own.step_exception, own.exception_traces = step.step_exception, step.exception_traces
            self._trace.add(own)
        self._end(step)

    def extract(
        self,
        data: Any,
        *,
        table_name: Optional[str] = None,
        parent_table_name: Optional[str] = None,
        write_disposition: Any = None,
        columns: Any = None,
        primary_key: Any = None,
        schema: Any = None,
        max_parallel_items: Any = None,
        workers: Any = None,
        table_format: Optional[str] = None,
        schema_contract: Any = None,
        refresh: Optional[str] = None,
        loader_file_format: Optional[str] = None,
    ) -> ExtractInfo:
        """Reads data into packages that wait."""
        self.activate()
        self._configure(None, None, None)
        engine = self.engine(loader_file_format)
        self._extract_options = {"max_parallel_items": max_parallel_items, "workers": workers}
        with self._step("extract", engine) as step:
            sources = sources_of(
                self,
                data,
                table_name=table_name,
                parent_table_name=parent_table_name,
                write_disposition=write_disposition,
                columns=columns,
                primary_key=primary_key,
                schema=schema,
                table_format=table_format,
                file_format=loader_file_format,
                schema_contract=schema_contract,
            )
            info, extractions = self._drive(engine, engine.extract, sources, refresh, schema_contract)
            packages = packages_of(self, info, "extracted", refresh or self.refresh)
            step.step_info = ExtractInfo(self, info, packages, extractions)
        return step.step_info  # type: ignore[return-value]

    def normalize(self, workers: int = 1) -> Optional[NormalizeInfo]:
        """Tells what waits: the engine makes tables of rows while it reads them."""
        self.activate()
        engine = self.engine()
        with self._step("normalize", engine) as step:
            if not self._schemas_by_name():
                return None
            now = datetime.now(timezone.utc).isoformat()
            waiting = [package for package in json.loads(engine.packages()) if package["state"] == "normalized"]
            packages = packages_of(self, {"packages": waiting}, "normalized")
            step.step_info = NormalizeInfo(self, {"started_at": now, "finished_at": now}, packages)
        return step.step_info  # type: ignore[return-value]

    def load(
        self,
        destination: Any = None,
        dataset_name: Optional[str] = None,
        credentials: Any = None,
        *,
        workers: int = 20,
        raise_on_failed_jobs: Any = None,
    ) -> Optional[LoadInfo]:
        """Loads the packages that wait."""
        self.activate()
        if raise_on_failed_jobs is False:
            raise NotImplementedError(
                "load(raise_on_failed_jobs=False): windlass loads a package whole or not at all, so that a job that failed "
                "always raises; leave it out"
            )
        self._configure(destination, None, dataset_name, credentials)
        engine = self.engine()
        with self._step("load", engine) as step:
            if not self._schemas_by_name():
                return None
            info = json.loads(engine.run([], "{}"))
            for warning in info.get("warnings") or []:
                _logger().warning("%s", warning)
            step.step_info = load_info(self, info, packages_of(self, info, "loaded"))
        return step.step_info  # type: ignore[return-value]

    def sync_destination(
        self, destination: Any = None, staging: Any = None, dataset_name: Optional[str] = None
    ) -> None:
        """Brings state and schemas up to what the destination knows."""
        self._configure(destination, staging, dataset_name)
        engine = self.engine()
        with self._step("sync", engine):
            engine.sync()

    def sync_schema(self, schema_name: Optional[str] = None) -> Dict[str, Any]:
        """Makes the tables of a schema that are missing at the destination."""
        raise NotImplementedError(
            "windlass makes tables with the rows that need them: sync_schema() does not exist (yet); run the pipeline"
        )

    def drop(self, pipeline_name: Optional[str] = None) -> "Pipeline":
        """Forgets everything local; the destination stays as it is."""
        if self.is_active:
            self.deactivate()
        if pipeline_name and pipeline_name != self.pipeline_name:
            fresh = self.derived(pipeline_name)
            fresh.drop_local()
            fresh.activate()
            return fresh
        self.drop_local()
        return self

    def derived(self, pipeline_name: str) -> "Pipeline":
        """A pipeline like this one, with a name and so a working folder and a state of its own."""
        return Pipeline(
            pipeline_name,
            self.pipelines_dir,
            self.pipeline_salt,
            self._given_destination,
            None,
            self._dataset_name,
            self._import_schema_path,
            self._export_schema_path,
            self.dev_mode,
            self.refresh,
            self.collector,
        )

    def drop_local(self) -> None:
        """Removes the working folder."""
        import shutil

        shutil.rmtree(self.working_dir, ignore_errors=True)
        self._trace = None

    # -- state

    def set_local_state_val(self, key: str, value: Any) -> None:
        """Keeps a value on this machine."""
        with self.managed_state() as state:
            state.setdefault("_local", {})[key] = value

    def get_local_state_val(self, key: str) -> Any:
        """A value that is kept on this machine."""
        return self.state["_local"][key]

    @contextlib.contextmanager
    def managed_state(self, *, extract_state: bool = False) -> Iterator[Dict[str, Any]]:
        """The state, to be changed: kept unless something is raised."""
        state = self.state
        state.setdefault("sources", {})
        yield state
        if not state["sources"]:
            del state["sources"]
        self._work().save_state(native().typed_dumps(state))

    # -- reading back

    def activate(self) -> None:
        """Makes it the active pipeline of this thread."""
        activate(self)

    def deactivate(self) -> None:
        """Makes it no longer the active one."""
        if active() is self:
            activate(None)

    def dataset(self, schema: Any = None) -> Any:
        """The loaded data."""
        from windlass.dataset import Dataset

        return Dataset.of_pipeline(self, schema)

    def sql_client(self, schema_name: Optional[str] = None) -> Any:
        """A client that executes SQL on the loaded data."""
        from windlass.destinations.sql_client import SqlClient

        self._configure(None, None, None)
        return SqlClient(self.engine(), self, may_write=True)

    def destination_client(self, schema_name: Optional[str] = None) -> Any:
        """A client of the destination: of a folder its files, of a database its SQL."""
        self._configure(None, None, None)
        if self.destination is not None and self.destination.kind == "filesystem":
            return self._fs_client(schema_name)
        return self.sql_client(schema_name)

    def _fs_client(self, schema_name: Optional[str] = None) -> Any:
        from windlass.destinations.filesystem_client import FilesystemClient

        self._configure(None, None, None)
        if self.destination is None or self.destination.kind != "filesystem":
            raise NotImplementedError(f"`{self.destination!r}` has no files: destination_client() gives its client")
        name = schema_name or self.default_schema_name
        return FilesystemClient(self.engine(), self, self.schemas[name] if name else None)

    def __enter__(self) -> "Pipeline":
        self.activate()
        return self

    def __exit__(self, *_: Any) -> None:
        self.deactivate()

    def __getstate__(self) -> Dict[str, Any]:
        return {
            "pipeline_name": self.pipeline_name,
            "default_schema_name": self.default_schema_name,
            "dataset_name": self.dataset_name,
            "working_dir": self.working_dir,
        }

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            state["pipeline_name"], os.path.dirname(state["working_dir"]), dataset_name=state["dataset_name"], must_attach=True
        )

    def __repr__(self) -> str:
        destination = self.destination
        values = {
            "pipeline_name": self.pipeline_name,
            "destination": destination.destination_name if destination is not None else None,
            "dataset_name": self.dataset_name,
            "default_schema_name": self.default_schema_name,
            "schema_names": self.schema_names,
            "first_run": self.first_run,
            "dev_mode": self.dev_mode,
            "is_active": self.is_active,
            "pipelines_dir": self.pipelines_dir,
            "working_dir": self.working_dir,
        }
        told = ", ".join(f"{name}={value!r}" for name, value in values.items() if value is not None)
        return f"<dlt.pipeline({told})>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import pipeline_html

        return pipeline_html(self)


def _logger() -> Any:
    from windlass.common.masking import logger

    return logger()
