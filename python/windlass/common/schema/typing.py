"""Names of types and constants of schemas."""

from typing import Any, Callable, Dict, List, Literal, Optional, Sequence, Set, TypedDict, Union

SCHEMA_ENGINE_VERSION = 11
DLT_NAME_PREFIX = "_dlt"
VERSION_TABLE_NAME = "_dlt_version"
LOADS_TABLE_NAME = "_dlt_loads"
PIPELINE_STATE_TABLE_NAME = "_dlt_pipeline_state"
C_DLT_ID = "_dlt_id"
C_DLT_LOAD_ID = "_dlt_load_id"
C_DLT_LOADS_TABLE_LOAD_ID = "load_id"
C_CHILD_PARENT_REF_LABEL = "_dlt_parent"
C_DESCENDANT_ROOT_REF_LABEL = "_dlt_root"
C_ROOT_LOAD_REF_LABEL = "_dlt_load"
C_VERSION_SCHEMA_NAME_LABEL = "_dlt_schema_name"
C_VERSION_SCHEMA_VERSION_LABEL = "_dlt_schema_version"
DEFAULT_VALIDITY_COLUMN_NAMES = ["_dlt_valid_from", "_dlt_valid_to"]
SIMPLE_REGEX_PREFIX = "re:"

TDataType = Literal["text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"]
DATA_TYPES: Set[str] = {"text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"}
TColumnProp = str
TColumnHint = Literal[
    "nullable",
    "partition",
    "cluster",
    "primary_key",
    "sort",
    "unique",
    "merge_key",
    "row_key",
    "parent_key",
    "root_key",
    "hard_delete",
    "dedup_sort",
]
COLUMN_HINTS: Set[str] = set(TColumnHint.__args__)  # type: ignore[attr-defined]
COLUMN_PROPS: Set[str] = COLUMN_HINTS | {"name", "data_type", "precision", "scale", "timezone", "variant"}
TTableFormat = Literal["iceberg", "delta", "hive", "native"]
TFileFormat = Literal["preferred", "jsonl", "typed-jsonl", "insert_values", "parquet", "csv", "reference", "model"]
TWriteDisposition = Literal["skip", "append", "replace", "merge"]
WRITE_DISPOSITIONS = ["append", "merge", "replace", "skip"]
TLoaderMergeStrategy = Literal["delete-insert", "scd2", "upsert", "insert-only", "cdc"]
MERGE_STRATEGIES = ["cdc", "delete-insert", "insert-only", "scd2", "upsert"]
TLoaderReplaceStrategy = Literal["truncate-and-insert", "insert-from-staging", "staging-optimized"]
REPLACE_STRATEGIES = ["insert-from-staging", "staging-optimized", "truncate-and-insert"]
TSchemaEvolutionMode = Literal["evolve", "discard_value", "freeze", "discard_row"]
TSchemaContractEntities = Literal["tables", "columns", "data_type"]
TColumnNames = Union[str, Sequence[str]]
TSimpleRegex = str
TColumnName = str
TSortOrder = Literal["asc", "desc"]


class TColumnType(TypedDict, total=False):
    """The type of a column."""

    data_type: Optional[TDataType]
    precision: Optional[int]
    scale: Optional[int]
    timezone: Optional[bool]


class TColumnSchemaBase(TColumnType, total=False):
    """The name and type of a column."""

    name: Optional[str]
    nullable: Optional[bool]


class TColumnSchema(TColumnSchemaBase, total=False):
    """A column with its hints."""

    description: Optional[str]
    partition: Optional[bool]
    cluster: Optional[bool]
    unique: Optional[bool]
    sort: Optional[bool]
    primary_key: Optional[bool]
    row_key: Optional[bool]
    parent_key: Optional[bool]
    root_key: Optional[bool]
    merge_key: Optional[bool]
    variant: Optional[bool]
    hard_delete: Optional[bool]
    dedup_sort: Optional[TSortOrder]


TTableSchemaColumns = Dict[str, TColumnSchema]
TAnySchemaColumns = Union[TTableSchemaColumns, Sequence[TColumnSchema], Any]


class TSchemaContractDict(TypedDict, total=False):
    """What new tables, columns and types may do."""

    tables: Optional[TSchemaEvolutionMode]
    columns: Optional[TSchemaEvolutionMode]
    data_type: Optional[TSchemaEvolutionMode]


TSchemaContract = Union[TSchemaEvolutionMode, TSchemaContractDict]


class TTableReference(TypedDict, total=False):
    """A link to another table."""

    referenced_table: str
    columns: Sequence[str]
    referenced_columns: Sequence[str]


TTableReferenceParam = Sequence[TTableReference]
TTableReferenceInline = TTableReference
TTableReferenceStandalone = TTableReference


class TTableSchema(TypedDict, total=False):
    """A table."""

    name: Optional[str]
    description: Optional[str]
    schema_contract: Optional[TSchemaContract]
    write_disposition: Optional[TWriteDisposition]
    columns: TTableSchemaColumns
    parent: Optional[str]
    resource: Optional[str]
    references: Optional[TTableReferenceParam]
    table_format: Optional[TTableFormat]
    file_format: Optional[TFileFormat]


TPartialTableSchema = TTableSchema
TSchemaTables = Dict[str, TTableSchema]
TSchemaUpdate = Dict[str, List[TTableSchema]]


class TWriteDispositionDict(TypedDict):
    """A write disposition with its options."""

    disposition: TWriteDisposition


class TMergeDispositionDict(TWriteDispositionDict, total=False):
    """How rows are merged."""

    strategy: Optional[TLoaderMergeStrategy]


class TScd2StrategyDict(TMergeDispositionDict, total=False):
    """How versions of rows are kept."""

    validity_column_names: Optional[List[str]]
    active_record_timestamp: Optional[Any]
    boundary_timestamp: Optional[Any]
    row_version_column_name: Optional[str]


TDeleteInsertStrategyDict = TMergeDispositionDict
TUpsertStrategyDict = TMergeDispositionDict
TWriteDispositionConfig = Union[TWriteDisposition, TWriteDispositionDict, TMergeDispositionDict, TScd2StrategyDict]
TTableHintTemplate = Union[Any, Callable[[Any], Any]]


class TStoredSchema(TypedDict, total=False):
    """A schema as it is stored."""

    version: int
    version_hash: str
    previous_hashes: List[str]
    imported_version_hash: Optional[str]
    engine_version: int
    name: str
    description: Optional[str]
    settings: Dict[str, Any]
    tables: TSchemaTables
    normalizers: Dict[str, Any]
