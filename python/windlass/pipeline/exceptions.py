"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import PipelineException


class InvalidPipelineName(PipelineException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'details')


class PipelineConfigMissing(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'config_elem', 'step_or_func', '_help')


class CannotRestorePipelineException(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'pipelines_dir', 'reason')


class PipelineStepFailed(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline', 'step', 'load_id', 'exception', 'step_info')


class PipelineStateEngineNoUpgradePathException(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'init_engine', 'from_engine', 'to_engine')


class PipelineHasPendingDataException(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'pipelines_dir')


class PipelineNeverRan(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name', 'pipelines_dir')


class PipelineNotActive(PipelineException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipeline_name',)
