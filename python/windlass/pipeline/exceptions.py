"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import PipelineException


class InvalidPipelineName(PipelineException, ValueError):
    _fields = ('pipeline_name', 'details')


class PipelineConfigMissing(PipelineException):
    _fields = ('pipeline_name', 'config_elem', 'step_or_func', '_help')


class CannotRestorePipelineException(PipelineException):
    _fields = ('pipeline_name', 'pipelines_dir', 'reason')


class PipelineStepFailed(PipelineException):
    _fields = ('pipeline', 'step', 'load_id', 'exception', 'step_info')


class PipelineStateEngineNoUpgradePathException(PipelineException):
    _fields = ('pipeline_name', 'init_engine', 'from_engine', 'to_engine')


class PipelineHasPendingDataException(PipelineException):
    _fields = ('pipeline_name', 'pipelines_dir')


class PipelineNeverRan(PipelineException):
    _fields = ('pipeline_name', 'pipelines_dir')


class PipelineNotActive(PipelineException):
    _fields = ('pipeline_name',)
