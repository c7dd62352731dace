"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException
from windlass.common.reflection.exceptions import ReferenceImportError


class ExtractorException(DltException):
    pass


class DltSourceException(DltException):
    pass


class DltResourceException(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'msg')


class PipeException(DltException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'msg')


class CreatePipeException(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'msg')


class PipeItemProcessingError(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'msg')


class PipeNotBoundToData(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'has_parent')


class InvalidStepFunctionArguments(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'func_name', 'sig', 'call_error')


class ResourceExtractionError(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'gen', 'msg', 'kind')


class PipeGenInvalid(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'gen')


class UnclosablePipe(PipeException):
    _fields: ClassVar[Tuple[str, ...]] = ('pipe_name', 'gen')


class ResourceNameMissing(DltResourceException):
    pass


class DataLocationKindRequired(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name',)


class ResourceNotFoundError(DltResourceException, KeyError):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'context')


class InvalidResourceDataType(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ', 'msg')


class InvalidParallelResourceDataType(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidResourceDataTypeBasic(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidResourceDataTypeMultiplePipes(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidTransformerDataTypeGeneratorFunctionRequired(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidTransformerGeneratorFunction(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'func_name', 'sig', 'code')


class InvalidResourceDataTypeIsNone(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidResourceReturnsResource(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class ResourceFunctionExpected(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidParentResourceDataType(InvalidResourceDataType):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'item', '_typ')


class InvalidParentResourceIsAFunction(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'func_name')


class DeletingResourcesNotSupported(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name', 'resource_name')


class ParametrizedResourceUnbound(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'func_name', 'sig', 'kind', 'error')


class ResourceNotATransformer(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'msg')


class InconsistentTableTemplate(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('reason',)


class DataItemRequiredForDynamicTableHints(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('resource_name', 'hint_name')


class SourceDataIsNone(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name',)


class SourceExhausted(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name',)


class ResourcesNotFoundError(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name', 'available_resources', 'requested_resources')


class SourceNotAFunction(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name', 'item', '_typ')


class SourceIsAClassTypeError(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name', '_typ')


class CurrentSourceSchemaNotAvailable(DltSourceException):
    pass


class CurrentSourceNotAvailable(DltSourceException):
    pass


class ExplicitSourceNameInvalid(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('source_name', 'schema_name')


class UnknownSourceReference(ReferenceImportError, DltSourceException, KeyError):
    _fields: ClassVar[Tuple[str, ...]] = ('ref', 'qualified_refs', 'traces')


class InvalidSourceReference(DltSourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('ref',)


class IncrementalUnboundError(DltResourceException):
    _fields: ClassVar[Tuple[str, ...]] = ('cursor_path',)
