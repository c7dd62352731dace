"""Traces: what a pipeline did, step by step."""

import os
import platform
import traceback
from datetime import datetime, timezone
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from windlass.common.masking import masked
from windlass.common.pipeline import ExtractInfo, LoadInfo, NormalizeInfo, StepInfo, human_time

TRACE_ENGINE_VERSION = 2
#: The newest steps that are kept where steps are called one by one.
_KEPT_STEPS = 100


class SerializableResolvedValueTrace(NamedTuple):
    """A setting that a run took, and where it was found. Secrets have no value here."""

    key: str
    value: Any
    default_value: Any
    is_secret_hint: bool
    sections: Sequence[str]
    provider_name: str
    config_type_name: str

    def asstr(self, verbosity: int = 0) -> str:
        """One line for people."""
        name = ".".join((*self.sections, self.key))
        value = "**********" if self.is_secret_hint else self.value
        return f"`{name}` = {value} from `{self.provider_name}`"

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary."""
        return self._asdict()


class PipelineStepTrace:
    """One step of a trace."""

    def __init__(self, step: str, started_at: datetime) -> None:
        import uuid

        self.span_id = uuid.uuid4().hex
        self.step = step
        self.started_at = started_at
        self.finished_at: Optional[datetime] = None
        self.step_info: Optional[StepInfo] = None
        self.step_exception: Optional[str] = None
        self.exception_traces: Optional[List[Dict[str, Any]]] = None

    def fail(self, cause: BaseException) -> None:
        """Notes why the step failed."""
        self.step_exception = masked(cause)
        self.exception_traces = exception_traces(cause)

    def asdict(self) -> Dict[str, Any]:
        """All of it as a dictionary: what all steps tell, and what this kind tells, under keys of their own."""
        found: Dict[str, Any] = {
            "span_id": self.span_id,
            "step": self.step,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "step_exception": self.step_exception,
            "exception_traces": self.exception_traces,
        }
        info = self.step_info
        if info is not None:
            own = info.own_asdict()
            if isinstance(info, LoadInfo):
                own = {**info.destination_asdict(), **own}
            found[f"{self.step}_info"] = own
            found["step_info"] = info.base_asdict()
        return found

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        text = f"Step {self.step} {'FAILED' if self.step_exception else 'COMPLETED'} in "
        text += f"{_elapsed(self.started_at, self.finished_at)}.\n"
        if self.step_exception:
            text += f"Failed due to: {self.step_exception}\n"
        if self.step_info is not None:
            text += self.step_info.asstr(verbosity)
        if verbosity > 0:
            text += f"\nspan id: {self.span_id}"
        return text

    def __str__(self) -> str:
        return self.asstr(verbosity=0)

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import step_html

        return step_html(self)


class PipelineTrace:
    """What a run did, step by step."""

    engine_version = TRACE_ENGINE_VERSION

    def __init__(self, pipeline_name: str) -> None:
        import uuid

        self.transaction_id = uuid.uuid4().hex
        self.pipeline_name = pipeline_name
        self.execution_context: Dict[str, Any] = execution_context()
        self.started_at = datetime.now(timezone.utc)
        self.finished_at: Optional[datetime] = None
        self.steps: List[PipelineStepTrace] = []
        self.resolved_config_values: List[SerializableResolvedValueTrace] = []

    def add(self, step: PipelineStepTrace) -> None:
        """Adds a step that is over."""
        self.steps.append(step)
        del self.steps[:-_KEPT_STEPS]
        self.finished_at = step.finished_at

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
            "steps": [step.asdict() for step in self.steps if step.step != "run" or step.step_exception],
            "finished_at": self.finished_at,
            "resolved_config_values": [value.asdict() for value in self.resolved_config_values],
            "engine_version": self.engine_version,
        }

    def asstr(self, verbosity: int = 0) -> str:
        """Some lines for people."""
        failed = any(step.step_exception for step in self.steps)
        text = (
            f"Run started at {self.started_at} and {'FAILED' if failed else 'COMPLETED'} in "
            f"{_elapsed(self.started_at, self.finished_at)} with {len(self.steps)} steps.\n"
        )
        if verbosity > 0 and self.resolved_config_values:
            text += "Following config and secret values were resolved:\n"
            text += "\n".join(value.asstr(verbosity) for value in self.resolved_config_values) + "\n\n"
        return text + "\n\n".join(step.asstr(verbosity) for step in self.steps)

    def __str__(self) -> str:
        return self.asstr(verbosity=0)

    def __repr__(self) -> str:
        return (
            f"PipelineTrace(transaction_id='{self.transaction_id}', pipeline_name='{self.pipeline_name}', "
            f"steps={[step.step for step in self.steps]})"
        )

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import trace_html

        return trace_html(self)


def _elapsed(started: datetime, finished: Optional[datetime]) -> str:
    return human_time(((finished or datetime.now(timezone.utc)) - started).total_seconds())


def exception_traces(cause: BaseException) -> List[Dict[str, Any]]:
    """An exception and those that led to it, the outermost first."""
    from windlass.common._exception import DltException
    from windlass.common.exceptions import TerminalException

    found: List[Dict[str, Any]] = []
    seen = set()
    one: Optional[BaseException] = cause
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        kind = type(one)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        trace: Dict[str, Any] = {
            "message": masked(one),
            "exception_type": f"{module}{kind.__qualname__}",
            "stack_trace": [masked(line) for line in traceback.format_tb(one.__traceback__)],
            "is_terminal": isinstance(one, TerminalException),
        }
        if isinstance(one, DltException):
            plain = (str, int, float, bool, type(None))
            attributes = {
                name: masked(value) if isinstance(value, str) else value
                for name, value in vars(one).items()
                if isinstance(value, plain) and name[0] != "_"
            }
            trace["exception_attrs"] = str(attributes)
            for name in ("load_id", "pipeline_name", "source_name", "resource_name"):
                if isinstance(attributes.get(name), str):
                    trace[name] = attributes[name]
            if kind.__doc__:
                trace["docstring"] = kind.__doc__
        found.append(trace)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return found


def execution_context() -> Dict[str, Any]:
    """Where it runs: nothing in it names the machine or its user."""
    from windlass.version import __version__

    return {
        "ci_run": bool(os.environ.get("CI")),
        "python": platform.python_version(),
        "cpu": os.cpu_count(),
        "exec_info": _exec_info(),
        "os": {"name": platform.system(), "version": platform.release()},
        "library": {"name": "windlass", "version": __version__},
        "run_context": {"name": "dlt"},
    }


def _exec_info() -> List[str]:
    import sys

    found = []
    if os.environ.get("GITHUB_ACTIONS"):
        found.append("github_actions")
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        found.append("kubernetes")
    if os.path.exists("/.dockerenv"):
        found.append("docker")
    found += [name for name in ("airflow", "dagster", "prefect") if name in sys.modules]
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and type(shell).__name__ == "ZMQInteractiveShell":
        found.append("notebook")
    return found


__all__ = ["PipelineStepTrace", "PipelineTrace", "SerializableResolvedValueTrace", "TRACE_ENGINE_VERSION", "exception_traces"]
