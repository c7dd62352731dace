"""Predicates for libraries that try again."""

from typing import Any, Callable, Sequence

from windlass.common.destination.exceptions import SchemaUpdateError
from windlass.common.exceptions import TerminalException
from windlass.pipeline.exceptions import PipelineStepFailed


def retry_load(retry_on_pipeline_steps: Sequence[str] = ("load",)) -> Callable[[BaseException], bool]:
    """Whether another attempt may help: not after a failure of another step, nor after one that is final."""

    def should_retry(cause: BaseException) -> bool:
        if isinstance(cause, PipelineStepFailed) and cause.step not in retry_on_pipeline_steps:
            return False
        return not any(isinstance(one, TerminalException) for one in _nearest(cause))

    return should_retry


def retry_schema_update() -> Callable[[BaseException], bool]:
    """Whether the failure was a change of tables that another pipeline made at the same time."""
    return lambda cause: any(isinstance(one, SchemaUpdateError) for one in _nearest(cause))


def _nearest(cause: BaseException) -> Sequence[Any]:
    return (cause, cause.__cause__, cause.__context__)
