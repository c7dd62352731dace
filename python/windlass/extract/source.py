"""Sources: resources under one schema, and reading them for the engine."""

import contextlib
import copy
import json
from typing import Any, Dict, Iterator, List, Optional, Tuple

from windlass.common.exceptions import choices
from windlass.extract.context import EXTRACTION, PIPE, running
from windlass.extract.exceptions import DeletingResourcesNotSupported, ResourcesNotFoundError
from windlass.extract.hints import TargetBook, engine_hints, ensure_columns, has_dynamic_name, to_json
from windlass.extract.items import (
    HintsMeta,
    ImportFileMeta,
    MaterializedEmptyList,
    TableNameMeta,
)
from windlass.extract.pipe import ExtractSettings, Pipe, PipeIterator, open_pipes
from windlass.extract.columns import ColumnNames
from windlass.extract.frames import refuse_periods
from windlass.extract.unread import UnreadRows
from windlass.extract.words import check_hints
from windlass.extract.binding import BoundFunction, call_function
from windlass.extract.resource import DltResource


class ResourceDict(Dict[str, DltResource]):
    """The resources of a source by name."""

    def __init__(self, source_name: str, source_section: str) -> None:
        super().__init__()
        self.source_name = source_name
        self.source_section = source_section

    @property
    def selected(self) -> Dict[str, DltResource]:
        """The resources that are loaded."""
        return {name: resource for name, resource in self.items() if resource.selected}

    @property
    def extracted(self) -> Dict[str, DltResource]:
        """The resources that are read: those that are loaded and their parents."""
        found: Dict[str, DltResource] = {}
        for resource in self.selected.values():
            chain = [resource]
            while chain[-1]._parent is not None:
                chain.append(chain[-1]._parent)
            for one in reversed(chain):
                found.setdefault(one.name, one)
        return found

    @property
    def selected_dag(self) -> List[Tuple[str, str]]:
        """Pairs of parent and child."""
        edges = []
        for resource in self.selected.values():
            parent = resource._parent
            edges.append((parent.name if parent is not None else resource.name, resource.name))
        return edges

    @property
    def pipes(self) -> List[Pipe]:
        """The pipes of all resources."""
        return [resource._pipe for resource in self.values()]

    @property
    def selected_pipes(self) -> List[Pipe]:
        """The pipes of the resources that are loaded."""
        return [resource._pipe for resource in self.selected.values()]

    def select(self, *resource_names: str) -> Dict[str, DltResource]:
        """Loads only these resources."""
        unknown = set(resource_names) - set(self)
        if unknown:
            raise ResourcesNotFoundError(
                self.source_name,
                set(self),
                set(resource_names),
                msg=f"The source `{self.source_name}` has no resource {', '.join(sorted(unknown))}; "
                f"{choices(sorted(unknown)[0], list(self))}",
            )
        for name, resource in self.items():
            resource.selected = name in resource_names
        return self.selected

    def add(self, *resources: DltResource) -> None:
        """Adds resources; a parent that is not there comes along."""
        for resource in resources:
            self[resource.name] = resource

    def detach(self, resource_name: Optional[str] = None) -> DltResource:
        """A copy of a resource on its own."""
        return (self[resource_name] if resource_name else next(iter(self.values())))._clone()

    def __setitem__(self, name: str, resource: DltResource) -> None:
        if resource.name != name:
            raise ValueError(f"the resource `{resource.name}` cannot be set under the name `{name}`")
        own = resource._clone()
        own.source_name = self.source_name
        own.section = self.source_section or resource.section
        if own._parent is not None and own._parent.name in self:
            own._attach(self[own._parent.name])
        super().__setitem__(name, own)
        for other in self.values():
            if other._parent is not None and other._parent.name == name and other is not own:
                other._attach(own)

    def __delitem__(self, name: str) -> None:
        raise DeletingResourcesNotSupported(self.source_name, name)


class DltSource:
    """Resources under one schema."""

    def __init__(self, schema: Any, section: str, resources: Optional[List[DltResource]] = None) -> None:
        self._schema = schema
        self.section = section
        self._resources = ResourceDict(schema.name, section)
        self._has_run = False
        self.is_adhoc = False
        if resources:
            self._resources.add(*resources)

    @classmethod
    def from_data(cls, schema: Any, section: str, data: Any) -> "DltSource":
        """A source over what a source function gave."""
        from windlass.extract.decorators import resources_of

        return cls(schema, section, resources_of(data, schema.name, section))

    @classmethod
    def of_resources(cls, name: str, section: str, resources: List[DltResource]) -> "DltSource":
        """A source over resources that belong to none."""
        from windlass.common.schema import Schema

        source = cls(Schema(_schema_name(name)), section)
        for resource in resources:
            source._add_plain(resource)
        return source

    def _add_plain(self, resource: DltResource) -> None:
        """Adds the very resource, whose own section stays."""
        section = resource.section
        super(ResourceDict, self._resources).__setitem__(resource.name, resource)
        resource.section = section

    # -- what it is

    @property
    def name(self) -> str:
        """The name, which is also the schema's."""
        return str(self._schema.name)

    @property
    def schema(self) -> Any:
        """The schema."""
        return self._schema

    @schema.setter
    def schema(self, value: Any) -> None:
        self._schema = value
        self._resources.source_name = value.name

    @property
    def resources(self) -> ResourceDict:
        """The resources by name."""
        return self._resources

    @property
    def selected_resources(self) -> Dict[str, DltResource]:
        """The resources that are loaded."""
        return self._resources.selected

    @property
    def exhausted(self) -> bool:
        """Whether a generator that was started cannot be read again."""
        import inspect
        import types

        return any(
            isinstance(resource._pipe.gen, types.GeneratorType)
            and inspect.getgeneratorstate(resource._pipe.gen) != inspect.GEN_CREATED
            for resource in self._resources.values()
        )

    @property
    def max_table_nesting(self) -> Optional[int]:
        """Levels of nesting that become tables."""
        return self._schema.max_table_nesting  # type: ignore[no-any-return]

    @max_table_nesting.setter
    def max_table_nesting(self, value: Optional[int]) -> None:
        self._schema.max_table_nesting = value

    @property
    def root_key(self) -> Optional[bool]:
        """Whether nested rows carry the id of their root."""
        return self._schema.root_key  # type: ignore[no-any-return]

    @root_key.setter
    def root_key(self, value: Optional[bool]) -> None:
        self._schema.root_key = value

    @property
    def schema_contract(self) -> Any:
        """What new tables, columns and types may do."""
        return self._schema.settings.get("schema_contract")

    @schema_contract.setter
    def schema_contract(self, value: Any) -> None:
        self._schema.set_schema_contract(value)

    @property
    def state(self) -> Dict[str, Any]:
        """The state of the source."""
        from windlass.extract.context import source_state
        from windlass.pipeline.active import active

        if EXTRACTION.get() is not None:
            return source_state()
        pipeline = active()
        return pipeline.state.get("sources", {}).get(self.name, {}) if pipeline is not None else {}

    @property
    def run(self) -> Any:
        """`run` of the active pipeline, with this source as data."""
        import functools

        from windlass.pipeline.make import current_pipeline

        return functools.partial(current_pipeline().run, self)

    # -- changing it

    def with_resources(self, *resource_names: str) -> "DltSource":
        """A copy that loads only these resources."""
        source = self.clone()
        source.resources.select(*resource_names)
        return source

    def add_limit(
        self, max_items: Optional[int] = None, max_time: Optional[float] = None, count_rows: Optional[bool] = False
    ) -> "DltSource":
        """Stops reading each resource after a number of items, or rows, or seconds."""
        for resource in self._resources.selected.values():
            resource.add_limit(max_items, max_time, count_rows)
        return self

    def parallelize(self) -> "DltSource":
        """Reads the resources at the same time, where that can be."""
        from windlass.extract.exceptions import InvalidParallelResourceDataType

        for resource in self._resources.selected.values():
            with contextlib.suppress(InvalidParallelResourceDataType):
                resource.parallelize()
        return self

    def clone(self, with_name: Optional[str] = None) -> "DltSource":
        """A copy."""
        fresh = copy.copy(self)
        fresh._schema = self._schema.clone(with_name=with_name)
        fresh._resources = ResourceDict(fresh._schema.name, self.section)
        for name, resource in self._resources.items():
            own = resource._clone()
            own.source_name = fresh._schema.name
            super(ResourceDict, fresh._resources).__setitem__(name, own)
        for resource in fresh._resources.values():
            if resource._parent is not None and resource._parent.name in fresh._resources:
                resource._attach(fresh._resources[resource._parent.name])
        return fresh

    def decompose(self, strategy: str = "none") -> List["DltSource"]:
        """The source as it is, or one for each group of resources that depend on each other."""
        if strategy == "none":
            return [self]
        groups: Dict[str, List[str]] = {}
        for name, resource in self.selected_resources.items():
            root = resource
            while root._parent is not None:
                root = root._parent
            groups.setdefault(root.name, []).append(name)
        return [self.with_resources(*names) for names in groups.values()]

    def discover_schema(self, item: Any = None, meta: Any = None) -> Any:
        """The schema with what the hints of the resources say."""
        schema = self._schema.clone()
        for resource in self.selected_resources.values():
            if not has_dynamic_name(resource._hints) or item is not None:
                schema.update_table(resource.compute_table_schema(item, meta))
        return schema

    def __iter__(self) -> Iterator[Any]:
        """The items of all resources, lists flattened, with a state that is thrown away."""
        extraction = SourceExtraction(self, None)
        with running(extraction):
            for _, _, item in extraction.raw_items():
                if isinstance(item, list):
                    yield from item
                else:
                    yield item

    def __getattr__(self, name: str) -> DltResource:
        resources = self.__dict__.get("_resources")
        if resources is not None and name in resources:
            return resources[name]
        raise AttributeError(f"the source has no resource or attribute `{name}`")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, DltResource):
            self._resources[name] = value
        else:
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        names = ", ".join(self._resources)
        return f"<dlt.source(name='{self.name}', section='{self.section}', resources=[{names}])>"

    __str__ = __repr__


def _schema_name(name: str) -> str:
    from windlass._native import native

    try:
        return str(native().normalize_name(name, "table"))
    except native().EngineError:
        return "source"


class SourceExtraction:
    """Reading a source once: gives the engine what the resources yield, and keeps the state."""

    def __init__(self, source: DltSource, run: Any, settings: ExtractSettings = ExtractSettings()) -> None:
        self.source = source
        self.run = run
        self.settings = settings
        self.state: Dict[str, Any] = {}
        self.targets = TargetBook()
        self.columns = ColumnNames(source)
        #: Whether the items go to the engine, or to somebody who iterates over them.
        self.is_for_engine = False
        #: What is to be told of the resources: the text by the resource and what it is about.
        self.notices: Dict[Tuple[str, str], str] = {}
        self._metrics: Dict[str, Dict[str, Any]] = {}
        self._by_pipe: Dict[int, DltResource] = {}
        for resource in source.resources.extracted.values():
            self._by_pipe[id(resource._pipe)] = resource
            if resource.source_name is None and source.is_adhoc is False:
                resource.source_name = source.name
        self._emitted = [resource for resource in source.resources.values() if resource.selected]
        self._index = {id(resource._pipe): index for index, resource in enumerate(self._emitted)}
        self._current_hints: Dict[str, Any] = {}

    def declared_type(self, pipe: Any, column: Optional[str]) -> Optional[str]:
        """The type that the resource of a pipe declares for this column."""
        resource = self._by_pipe.get(id(pipe))
        columns = resource._hints.get("columns") if resource is not None else None
        if column is None or not columns or callable(columns):
            return None
        return ensure_columns(columns).get(column, {}).get("data_type")

    def metrics(self, resource: str) -> Dict[str, Any]:
        """What a resource counts itself."""
        return self._metrics.setdefault(resource, {})

    # -- called by the engine

    @property
    def description(self) -> str:
        """Source and resources as the engine takes them."""
        schema = self.source.schema
        resources = []
        for resource in self._emitted:
            hints = {key: value for key, value in resource._hints.items() if not callable(value)}
            cursor = resource.incremental
            column = cursor.get_cursor_column_name() if cursor is not None else None
            made = engine_hints(hints, column)
            check_hints(made, f"source `{self.source.name}`, resource `{resource.name}`")
            resources.append(
                {
                    "name": resource.name,
                    "hints": json.loads(to_json(made)),
                    "cursor": cursor.order_for_engine() if cursor is not None else None,
                    "has_typed_rows": resource.has_typed_rows,
                }
            )
        return json.dumps(
            {
                "name": self.source.name,
                "schema_contract": schema.settings.get("schema_contract"),
                "max_table_nesting": schema.max_table_nesting,
                "root_key": schema.root_key,
                "schema": schema.document_for_engine(),
                "resources": resources,
            }
        )

    def begin(self, state: str) -> None:
        """Takes the state that the run before left."""
        from windlass._native import native

        self.state = native().typed_loads(state)

    def end(self) -> str:
        """The state that the next run gets."""
        from windlass._native import native

        with running(self):
            for resource in self._by_pipe.values():
                if resource._cursor is not None:
                    resource._cursor.save()
        return str(native().typed_dumps(self.state))

    def items(self) -> Iterator[Tuple[int, Any, Any]]:
        """What the resources yield: index of the resource, table or `None`, rows."""
        self.is_for_engine = True
        token = EXTRACTION.set(self)
        pipe_token = PIPE.set(None)
        roots = open_pipes([resource._pipe for resource in self._emitted])
        by_pipe = self._by_pipe
        counts = self.run is not None and self.run.wants_counts
        # Most items go straight to the table of their resource.
        plain = {
            id(resource._pipe): index
            for index, resource in enumerate(self._emitted)
            if not counts and not callable(resource._hints.get("table_name"))
        }
        try:
            for pipe, item, meta in PipeIterator(roots, self.settings, self._data_of):
                index = plain.get(id(pipe))
                if type(item) is UnreadRows:
                    is_plain = meta is None and index is not None and not self._current_hints
                    self.columns.check(pipe.name, item.columns)
                    item = item.written if is_plain else item.to_list()
                elif type(item) is not dict:
                    refuse_periods(item)
                if meta is None and index is not None and not self._current_hints:
                    yield index, None, item
                else:
                    yield from self._placed(by_pipe[id(pipe)], meta, item)
        finally:
            EXTRACTION.reset(token)
            PIPE.reset(pipe_token)

    def raw_items(self) -> Iterator[Tuple[DltResource, Any, Any]]:
        """What the resources yield."""
        roots = open_pipes([resource._pipe for resource in self._emitted])
        pipes = PipeIterator(roots, self.settings, self._data_of)
        by_pipe = self._by_pipe
        for pipe, item, meta in pipes:
            if type(item) is UnreadRows:
                item = item.to_list()
            yield by_pipe[id(pipe)], meta, item

    def _data_of(self, pipe: Pipe) -> Any:
        """What the function of a pipe gives, or its data."""
        resource = self._by_pipe.get(id(pipe))
        gen = pipe.gen
        if isinstance(gen, BoundFunction) and resource is not None:
            data = call_function(resource, gen)
            if isinstance(data, DltResource):
                from windlass.extract.exceptions import InvalidResourceReturnsResource

                raise InvalidResourceReturnsResource(
                    resource.name,
                    data,
                    type(data),
                    msg=f"In resource `{resource.name}`: the function returns a resource: annotate it `-> DltResource`, or "
                    "yield from it",
                )
            if isinstance(data, BoundFunction):
                return data.function
            return data
        return gen

    # -- where items go

    def _placed(self, resource: DltResource, meta: Any, item: Any) -> Iterator[Tuple[int, Any, Any]]:
        index = self._index[id(resource._pipe)]
        if meta is None and not callable(resource._hints.get("table_name")):
            yield index, self._changed_table(resource), self._counted(resource, item)
            return
        variant: Optional[str] = None
        if isinstance(meta, HintsMeta):
            resource.merge_hints(meta.hints, meta.create_table_variant)
            if meta.create_table_variant:
                variant = meta.hints["table_name"]
            else:
                self._current_hints[resource.name] = True
            if item is None:
                return
        if isinstance(meta, ImportFileMeta):
            yield from self._imported(resource, index, meta)
            return
        if variant is not None:
            hints = engine_hints(resource.hints_of(item, variant))
            hints["additional_table_hints"] = {**hints.get("additional_table_hints", {}), "variant_name": variant}
            yield index, self.targets.target(resource.name, variant, hints), self._counted(resource, item)
        elif isinstance(meta, TableNameMeta):
            yield index, self._table(resource, meta.table_name, item), self._counted(resource, item)
        elif callable(resource._hints.get("table_name")):
            name = resource._hints["table_name"]
            if isinstance(item, list) and not isinstance(item, MaterializedEmptyList):
                for one in item:
                    yield index, self._table(resource, name(one), one), self._counted(resource, one)
            else:
                yield index, self._table(resource, name(item), item), self._counted(resource, item)
        else:
            yield index, self._changed_table(resource), self._counted(resource, item)

    def _table(self, resource: DltResource, name: str, item: Any) -> Any:
        """The table of an item that names it."""
        variant = resource._variants.get(name)
        if variant is not None:
            hints = engine_hints(variant)
            hints["additional_table_hints"] = {**hints.get("additional_table_hints", {}), "variant_name": name}
            return self.targets.target(resource.name, name, hints)
        if not resource.has_other_dynamic_hints:
            key = (resource.name, name, len(resource._hints))
            known = self._current_hints.get(key)  # type: ignore[call-overload]
            if known is not None and known[0] is resource._hints:
                return known[1]
            target = self._new_target(resource, name, item)
            self._current_hints[key] = (resource._hints, target)  # type: ignore[index]
            return target
        return self._new_target(resource, name, item)

    def _new_target(self, resource: DltResource, name: str, item: Any) -> Any:
        hints = dict(resource.hints_of(item))
        hints.pop("table_name", None)
        return self.targets.target(resource.name, name, engine_hints(hints))

    def _changed_table(self, resource: DltResource) -> Any:
        """The resource's own table, if hints changed while it is read."""
        if resource.name not in self._current_hints:
            return None
        hints = {key: value for key, value in resource._hints.items() if not callable(value)}
        name = hints.pop("table_name", None) or resource.name
        return self.targets.target(resource.name, name, engine_hints(hints))

    def _counted(self, resource: DltResource, item: Any) -> Any:
        if self.run is not None and self.run.wants_counts:
            from windlass.extract.items import _rows_of

            self.run.count(resource.table_name if isinstance(resource.table_name, str) else resource.name, _rows_of(item))
        return item

    def _imported(self, resource: DltResource, index: int, meta: ImportFileMeta) -> Iterator[Tuple[int, Any, Any]]:
        from windlass.extract.importing import rows_of_file

        if meta.hints is not None:
            resource.merge_hints(meta.hints if isinstance(meta.hints, dict) else {"columns": meta.hints})
            self._current_hints[resource.name] = True
        for rows in rows_of_file(meta.file_path, meta.file_format):
            yield index, self._changed_table(resource), rows
