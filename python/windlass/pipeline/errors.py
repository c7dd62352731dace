"""Errors of the engine under the reference's names."""

from typing import Any, Optional

from windlass._errors import exception_of
from windlass._native import native
from windlass.common.masking import masked
from windlass.common.schema.exceptions import CannotCoerceNullException, DataValidationError
from windlass.normalize.exceptions import NormalizeJobFailed
from windlass.pipeline.exceptions import PipelineStepFailed


def step_error(pipeline: Any, step: str, cause: BaseException, engine: Any = None) -> PipelineStepFailed:
    """The exception of a step that failed."""
    if isinstance(cause, native().EngineError):
        translated = exception_of(cause)
        translated.__cause__ = cause
        failed = _step_of(cause, step, engine)
        exception: BaseException = translated
        if failed == "normalize" and isinstance(translated, (DataValidationError, CannotCoerceNullException)):
            exception = NormalizeJobFailed("", "", str(translated), [])
            exception.__cause__ = translated
    else:
        exception = cause
        failed = "extract" if step == "run" else step
        if step == "run" and engine is not None and engine.stage().startswith("load"):
            failed = "load"
    error = PipelineStepFailed(
        pipeline,
        failed,
        None,
        exception,
        None,
        msg=masked(f"Pipeline execution failed at `step={failed}` with exception:\n\n{type(exception)}\n{exception}"),
    )
    error.pipeline = pipeline
    error.step = failed
    error.exception = exception
    error.load_id = None
    error.step_info = None
    error.has_pending_data = pipeline.has_pending_data
    error.is_package_partially_loaded = False
    if failed in ("normalize", "load") and error.has_pending_data:
        text = (
            f"{error}\n\nThe package stays and is loaded by the next run; `windlass pipeline drop-pending "
            f"{pipeline.pipeline_name}` gives it up."
        )
        error.args = (text,)
    return error


def stored_exception(error: PipelineStepFailed) -> Optional[BaseException]:
    """What the step failed by."""
    return error.exception  # type: ignore[no-any-return]


def _step_of(cause: Any, step: str, engine: Any) -> str:
    """The step that the engine was in: it reads and normalizes at once."""
    stage = engine.stage() if engine is not None else ""
    if step not in ("run", "extract"):
        return step
    if stage.startswith("load"):
        return "load"
    if stage.startswith("sync"):
        return "sync" if cause.kind in ("destination", "conflict") else "extract"
    if cause.kind in ("data", "contract") and "row" in cause.at:
        return "normalize"
    return "extract"
