"""Resources as assets of Dagster: `dlt_assets` and `DagsterDltResource`, as in `dagster_dlt`.

    @dlt_assets(dlt_source=shop(), dlt_pipeline=dlt.pipeline("shop", destination="duckdb"))
    def shop_assets(context: dg.AssetExecutionContext, dlt: DagsterDltResource):
        yield from dlt.run(context=context)

Each resource is one asset. A run loads the assets that are selected; what is materialized tells rows, columns and the
place of the load. With time partitions the window of the partition becomes the range of the cursors (`dlt.sources.incremental`)
of the resources, which then keep no state: a partition can be loaded again.
"""

import contextlib
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set

from windlass.common.exceptions import MissingDependencyException

try:
    import dagster as dg
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.helpers.dagster", ["dagster>=1.8"], msg="windlass.helpers.dagster needs Dagster: pip install dagster"
    ) from cause

from windlass.extract.incremental.scheduler import window
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource
from windlass.helpers.report import columns_of_table, facts_of_load, rows_of_tables, tables_of_resource
from windlass.pipeline.pipeline import Pipeline

META_KEY_SOURCE = "dagster_dlt/source"
META_KEY_PIPELINE = "dagster_dlt/pipeline"
META_KEY_TRANSLATOR = "dagster_dlt/translator"


@dataclass(frozen=True)
class DltResourceTranslatorData:
    """What an asset is made of."""

    resource: DltResource
    pipeline: Optional[Pipeline] = None

    @property
    def destination(self) -> Any:
        """Where the data goes."""
        return self.pipeline.destination if self.pipeline is not None else None


class DagsterDltTranslator:
    """How a resource becomes an asset. Derive from it to have other keys, groups, owners or partitions."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> Any:
        """The asset of a resource."""
        resource = data.resource
        destination = data.destination
        kinds = {"dlt"}
        if destination is not None:
            kinds.add(str(destination.destination_type).rsplit(".", 1)[-1])
        return dg.AssetSpec(
            key=dg.AssetKey(f"dlt_{resource.source_name or resource.name}_{resource.name}"),
            deps=self._parents(data),
            description=self._description(resource),
            metadata={"dlt/resource": resource.name},
            kinds=kinds,
        )

    def _parents(self, data: DltResourceTranslatorData) -> List[Any]:
        """What comes before the data: the parent of a transformer, else the system that is read."""
        resource = data.resource
        parent = resource._parent
        if parent is not None and parent.selected:
            return [self.get_asset_spec(DltResourceTranslatorData(parent, data.pipeline)).key]
        root = resource
        while root._parent is not None:
            root = root._parent
        return [dg.AssetKey(f"{resource.source_name or root.name}_{root.name}")]

    @staticmethod
    def _description(resource: DltResource) -> Optional[str]:
        # What a function says of itself, not what the class of a resource says.
        text = getattr(getattr(resource._pipe.gen, "function", None), "__doc__", None) or resource.__dict__.get("__doc__")
        return text.strip() if isinstance(text, str) else None


def build_dlt_asset_specs(
    dlt_source: DltSource, dlt_pipeline: Pipeline, dagster_dlt_translator: Optional[DagsterDltTranslator] = None
) -> Sequence[Any]:
    """The assets of the selected resources of a source."""
    translator = dagster_dlt_translator or DagsterDltTranslator()
    return [
        translator.get_asset_spec(DltResourceTranslatorData(resource, dlt_pipeline)).merge_attributes(
            metadata={
                META_KEY_SOURCE: _Kept(dlt_source),
                META_KEY_PIPELINE: _Kept(dlt_pipeline),
                META_KEY_TRANSLATOR: _Kept(translator),
            }
        )
        for resource in dlt_source.selected_resources.values()
    ]


class _Kept(str):
    """Dagster keeps text beside an asset; this text is the name of a class, and brings an object along to the run."""

    value: Any

    def __new__(cls, value: Any) -> "_Kept":
        made = super().__new__(cls, type(value).__name__)
        made.value = value
        return made


def dlt_assets(
    *,
    dlt_source: DltSource,
    dlt_pipeline: Pipeline,
    name: Optional[str] = None,
    group_name: Optional[str] = None,
    dagster_dlt_translator: Optional[DagsterDltTranslator] = None,
    partitions_def: Any = None,
    backfill_policy: Any = None,
    op_tags: Optional[Mapping[str, Any]] = None,
    pool: Optional[str] = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a function that runs a source: each of its resources becomes an asset that can be materialized alone."""
    specs = build_dlt_asset_specs(dlt_source, dlt_pipeline, dagster_dlt_translator)
    if backfill_policy is None and isinstance(partitions_def, dg.TimeWindowPartitionsDefinition):
        # Partitions that lie beside each other are one window, and so one load.
        backfill_policy = dg.BackfillPolicy.single_run()
    return dg.multi_asset(
        name=name,
        group_name=group_name,
        can_subset=True,
        specs=list(specs),
        partitions_def=partitions_def,
        backfill_policy=backfill_policy,
        op_tags=op_tags,
        pool=pool,
    )


class DltEventIterator(Iterator[Any]):
    """What `DagsterDltResource.run` yields."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events

    def __next__(self) -> Any:
        return next(self._events)

    def __iter__(self) -> "DltEventIterator":
        return self

    def fetch_row_count(self) -> "DltEventIterator":
        """The rows of the load are told anyway."""
        return self

    def with_insights(self) -> "DltEventIterator":
        """Insights are Dagster's own service."""
        return self


class DagsterDltResource(dg.ConfigurableResource):  # type: ignore[misc]
    """Runs pipelines in assets and ops."""

    def run(
        self,
        context: Any,
        dlt_source: Optional[DltSource] = None,
        dlt_pipeline: Optional[Pipeline] = None,
        dagster_dlt_translator: Optional[DagsterDltTranslator] = None,
        **kwargs: Any,
    ) -> DltEventIterator:
        """Runs the pipeline with the resources that are selected, and yields what was materialized.

        `kwargs` are those of `Pipeline.run`. Source and pipeline are those of `dlt_assets` unless they are given.
        """
        return DltEventIterator(self._run(context, dlt_source, dlt_pipeline, dagster_dlt_translator, kwargs))

    def _run(
        self,
        context: Any,
        source: Optional[DltSource],
        pipeline: Optional[Pipeline],
        translator: Optional[DagsterDltTranslator],
        options: Dict[str, Any],
    ) -> Iterator[Any]:
        specs = _specs_of(context)
        kept = next(iter(specs.values())).metadata if specs else {}
        source = source if source is not None else _kept(kept, META_KEY_SOURCE)
        pipeline = pipeline if pipeline is not None else _kept(kept, META_KEY_PIPELINE)
        translator = translator or _kept(kept, META_KEY_TRANSLATOR) or DagsterDltTranslator()
        if source is None or pipeline is None:
            raise dg.DagsterInvalidDefinitionError(
                "DagsterDltResource.run: give `dlt_source` and `dlt_pipeline`, or use it in a function of @dlt_assets"
            )
        keys = {
            name: translator.get_asset_spec(DltResourceTranslatorData(resource, pipeline)).key
            for name, resource in source.selected_resources.items()
        }
        if specs:
            wanted: Set[Any] = set(context.selected_asset_keys)
            keys = {name: key for name, key in keys.items() if key in wanted}
            # A resource that a selected transformer needs is read all the same.
            source = source.with_resources(*keys)
        with _window_of(context):
            info = pipeline.run(source, **options)
        # In a process that runs several assets the next one has its own active pipeline.
        pipeline.deactivate()
        if info is None:
            return
        schema = pipeline.schemas.get(source.name) or pipeline.default_schema
        for name, key in keys.items():
            yield _materialized(context, key, metadata_of_resource(info, schema, name), has_assets=bool(specs))


def metadata_of_resource(info: Any, schema: Any, resource: str) -> Dict[str, Any]:
    """What is told of a resource that was loaded: rows, columns, and where it went."""
    tables = tables_of_resource(schema, resource)
    counts = rows_of_tables(info)
    root = tables[0] if tables else resource
    found: Dict[str, Any] = {key: value for key, value in facts_of_load(info).items() if value is not None}
    found["dagster/row_count"] = counts.get(root, 0)
    found["rows_loaded"] = counts.get(root, 0)
    found["rows_by_table"] = dg.MetadataValue.json({table: counts.get(table, 0) for table in tables})
    found["dagster/table_name"] = f"{info.dataset_name}.{root}" if info.dataset_name else root
    found["dagster/column_schema"] = _column_schema(schema, root)
    for table in tables[1:]:
        found[f"column_schema/{table}"] = _column_schema(schema, table)
    return found


def _column_schema(schema: Any, table: str) -> Any:
    columns = [
        dg.TableColumn(
            name=column["name"],
            type=column["data_type"],
            description=column["description"],
            constraints=dg.TableColumnConstraints(
                nullable=column["nullable"],
                unique=column["unique"],
                other=["primary key"] if column["primary_key"] else None,
            ),
        )
        for column in columns_of_table(schema, table)
    ]
    return dg.TableSchema(columns=columns)


def _specs_of(context: Any) -> Dict[Any, Any]:
    """The assets of the step that runs; an op has none."""
    try:
        definition = context.assets_def
    except Exception:
        return {}
    return {spec.key: spec for spec in definition.specs}


def _kept(metadata: Mapping[str, Any], key: str) -> Any:
    value = metadata.get(key)
    value = getattr(value, "text", value)
    return getattr(value, "value", None)


def _materialized(context: Any, key: Any, metadata: Dict[str, Any], has_assets: bool) -> Any:
    if has_assets:
        return dg.MaterializeResult(asset_key=key, metadata=metadata)
    return dg.AssetMaterialization(asset_key=key, metadata=metadata)


@contextlib.contextmanager
def _window_of(context: Any) -> Iterator[None]:
    """The window of the partitions that run; nothing without time partitions."""
    found = None
    with contextlib.suppress(Exception):
        if context.has_partition_key or context.has_partition_key_range:
            found = context.partition_time_window
    if found is None:
        yield
        return
    with window(found.start, found.end):
        yield


__all__ = [
    "DagsterDltResource",
    "DagsterDltTranslator",
    "DltEventIterator",
    "DltResourceTranslatorData",
    "build_dlt_asset_specs",
    "dlt_assets",
    "metadata_of_resource",
]
