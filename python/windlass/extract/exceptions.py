"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException
from windlass.common.reflection.exceptions import ReferenceImportError


class ExtractorException(DltException):
    pass


class DltSourceException(DltException):
    pass


class DltResourceException(DltSourceException):
    _fields = ('resource_name', 'msg')


class PipeException(DltException):
    _fields = ('pipe_name', 'msg')


class CreatePipeException(PipeException):
    _fields = ('pipe_name', 'msg')


class PipeItemProcessingError(PipeException):
    _fields = ('pipe_name', 'msg')


class PipeNotBoundToData(PipeException):
    _fields = ('pipe_name', 'has_parent')


class InvalidStepFunctionArguments(PipeException):
    _fields = ('pipe_name', 'func_name', 'sig', 'call_error')


class ResourceExtractionError(PipeException):
    _fields = ('pipe_name', 'gen', 'msg', 'kind')


class PipeGenInvalid(PipeException):
    _fields = ('pipe_name', 'gen')


class UnclosablePipe(PipeException):
    _fields = ('pipe_name', 'gen')


class ResourceNameMissing(DltResourceException):
    pass


class DataLocationKindRequired(DltResourceException):
    _fields = ('resource_name',)


class ResourceNotFoundError(DltResourceException, KeyError):
    _fields = ('resource_name', 'context')


class InvalidResourceDataType(DltResourceException):
    _fields = ('resource_name', 'item', '_typ', 'msg')


class InvalidParallelResourceDataType(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidResourceDataTypeBasic(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidResourceDataTypeMultiplePipes(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidTransformerDataTypeGeneratorFunctionRequired(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidTransformerGeneratorFunction(DltResourceException):
    _fields = ('resource_name', 'func_name', 'sig', 'code')


class InvalidResourceDataTypeIsNone(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidResourceReturnsResource(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class ResourceFunctionExpected(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidParentResourceDataType(InvalidResourceDataType):
    _fields = ('resource_name', 'item', '_typ')


class InvalidParentResourceIsAFunction(DltResourceException):
    _fields = ('resource_name', 'func_name')


class DeletingResourcesNotSupported(DltResourceException):
    _fields = ('source_name', 'resource_name')


class ParametrizedResourceUnbound(DltResourceException):
    _fields = ('resource_name', 'func_name', 'sig', 'kind', 'error')


class ResourceNotATransformer(DltResourceException):
    _fields = ('resource_name', 'msg')


class InconsistentTableTemplate(DltSourceException):
    _fields = ('reason',)


class DataItemRequiredForDynamicTableHints(DltResourceException):
    _fields = ('resource_name', 'hint_name')


class SourceDataIsNone(DltSourceException):
    _fields = ('source_name',)


class SourceExhausted(DltSourceException):
    _fields = ('source_name',)


class ResourcesNotFoundError(DltSourceException):
    _fields = ('source_name', 'available_resources', 'requested_resources')


class SourceNotAFunction(DltSourceException):
    _fields = ('source_name', 'item', '_typ')


class SourceIsAClassTypeError(DltSourceException):
    _fields = ('source_name', '_typ')


class CurrentSourceSchemaNotAvailable(DltSourceException):
    pass


class CurrentSourceNotAvailable(DltSourceException):
    pass


class ExplicitSourceNameInvalid(DltSourceException):
    _fields = ('source_name', 'schema_name')


class UnknownSourceReference(ReferenceImportError, DltSourceException, KeyError):
    _fields = ('ref', 'qualified_refs', 'traces')


class InvalidSourceReference(DltSourceException):
    _fields = ('ref',)


class IncrementalUnboundError(DltResourceException):
    _fields = ('cursor_path',)
