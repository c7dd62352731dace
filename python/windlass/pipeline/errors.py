"""Errors of the engine under the reference's names."""

from typing import Any, Optional

from windlass._native import native
from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.destination.exceptions import (
    DestinationTerminalException,
    DestinationTransientException,
    WriteDispositionNotSupported,
)
from windlass.common.masking import masked
from windlass.common.schema.exceptions import CannotCoerceNullException, DataValidationError, SchemaCorruptedException
from windlass.destinations.exceptions import CantExtractTablePrefix, InvalidFilesystemLayout
from windlass.normalize.exceptions import NormalizeJobFailed
from windlass.pipeline.exceptions import PipelineStepFailed


def step_error(pipeline: Any, step: str, cause: BaseException, engine: Any = None) -> PipelineStepFailed:
    """The exception of a step that failed."""
    if isinstance(cause, native().EngineError):
        translated = _translated(cause)
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


def _translated(cause: Any) -> Exception:
    text = str(cause)
    at = cause.at
    if cause.kind == "contract":
        entity = "data_type" if "type" in cause.message else "columns" if "column" in cause.message else "tables"
        return DataValidationError(
            at.get("source"),
            at.get("table"),
            at.get("column"),
            entity,
            "freeze",
            None,
            None,
            None,
            None,
            message=text,
        )
    if cause.kind == "data":
        if "null" in cause.message:
            return CannotCoerceNullException(at.get("source"), at.get("table"), at.get("column"), message=text)
        return ValueError(text)
    if cause.kind == "config" and cause.message.startswith("layout "):
        if "there is no placeholder" in cause.message:
            return InvalidFilesystemLayout(None, msg=text)
        return CantExtractTablePrefix(None, msg=text)
    if cause.kind == "config":
        if "key" in cause.message or "merge" in cause.message or "strategy" in cause.message:
            return SchemaCorruptedException(at.get("source"), message=text)
        return ConfigurationValueError(text)
    if cause.kind == "unsupported":
        if "disposition" in cause.message:
            return WriteDispositionNotSupported("merge", message=text)
        return NotImplementedError(text)
    if cause.kind in ("destination", "conflict", "source"):
        kind = DestinationTransientException if cause.is_retryable or cause.kind == "conflict" else DestinationTerminalException
        return kind(text)
    return RuntimeError(text)
