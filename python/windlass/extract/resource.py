"""Resources: a pipe of rows and the hints of its tables."""

import copy
import inspect
import types
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Union

from windlass.common.exceptions import choices
from windlass.extract.binding import BoundFunction, call_function
from windlass.extract.exceptions import (
    InvalidParallelResourceDataType,
    InvalidParentResourceDataType,
    InvalidParentResourceIsAFunction,
    InvalidResourceDataType,
    InvalidResourceDataTypeBasic,
    InvalidResourceDataTypeIsNone,
    InvalidTransformerDataTypeGeneratorFunctionRequired,
    InvalidTransformerGeneratorFunction,
    ResourceNameMissing,
    ResourceNotATransformer,
)
from windlass.extract.frames import is_lazy
from windlass.extract.hints import (
    apply_hints,
    ensure_columns,
    has_dynamic_name,
    has_other_dynamic,
    make_hints,
    resolve_hints,
)
from windlass.extract.incremental import Incremental
from windlass.extract.items import (
    FilterItem,
    ItemTransform,
    LimitItem,
    MapItem,
    MetricsItem,
    SelectTables,
    ValidateItem,
    YieldMapItem,
)
from windlass.extract.pipe import Pipe


class DltResource:
    """A named stream of rows and what is said about its tables."""

    def __init__(
        self,
        pipe: Pipe,
        hints: Optional[Dict[str, Any]] = None,
        selected: bool = True,
        section: Optional[str] = None,
        name_function: Optional[Callable[[Any], str]] = None,
    ) -> None:
        self._pipe = pipe
        self._hints: Dict[str, Any] = hints or {}
        self._parent: Optional[DltResource] = None
        self._variants: Dict[str, Dict[str, Any]] = {}
        self._inputs: List[Any] = []
        self._name_function = name_function
        self._cursor: Optional[Incremental[Any]] = None
        self._is_anonymous = False
        #: Whether rows come from columns that have types, so that no value is converted into one of another type.
        self.has_typed_rows = False
        self.selected = selected
        self.section = section or ""
        self.source_name: Optional[str] = None
        self.__name__ = pipe.name
        self.__doc__ = getattr(getattr(pipe.gen, "function", None), "__doc__", None)
        validator = self._hints.get("validator")
        if validator is not None:
            pipe.replace(ValidateItem, validator)
        cursor = self._hints.get("incremental")
        if cursor is not None:
            self.set_incremental(cursor)

    # -- making one

    @classmethod
    def from_data(
        cls,
        data: Any,
        name: Any = None,
        section: Optional[str] = None,
        hints: Optional[Dict[str, Any]] = None,
        selected: bool = True,
        data_from: Any = None,
        inject_config: bool = False,
    ) -> "DltResource":
        """A resource over data, or over a function that gives it."""
        if data is None:
            raise InvalidResourceDataTypeIsNone(
                name, data, type(None), msg=f"In resource `{name}`: the data is None"
            )
        if isinstance(data, DltResource):
            return data
        name_function = name if callable(name) else None
        if isinstance(name, str) or callable(name):
            pass
        if callable(data) and not hasattr(data, "__arrow_c_stream__"):
            own = name if isinstance(name, str) else getattr(data, "__name__", None)
        else:
            own = name or getattr(data, "__name__", None)
        if not own or own == "<lambda>":
            if data_from is not None or not callable(data) or not own:
                raise ResourceNameMissing(
                    None,
                    msg=f"the resource over {_named(data)} has no name: give it one with `name=`, or use a function, whose name it takes",
                )
        own = str(own)
        if isinstance(data, (str, dict)) or not (callable(data) or _is_data(data)):
            kind = InvalidResourceDataTypeBasic if isinstance(data, (str, dict)) else InvalidResourceDataType
            raise kind(
                own,
                data,
                type(data),
                msg=f"In resource `{own}`: cannot create a resource from data of type `{type(data).__name__}`: give a "
                "list, a generator, a function or a frame; one row stands in a list",
            )
        is_transformer = data_from is not None
        if is_transformer and not callable(data):
            raise InvalidTransformerDataTypeGeneratorFunctionRequired(
                own, data, type(data), msg=f"In resource `{own}`: a transformer must be a function of an item"
            )
        if is_transformer:
            _check_transformer(own, data)
        gen: Any = data
        if callable(data) and not isinstance(data, types.GeneratorType) and not _is_data(data):
            gen = BoundFunction(data, section or _section_of(data), is_transformer)
        pipe = Pipe(own, gen)
        resource = cls(pipe, hints, selected, section or _section_of(data), name_function)
        if is_transformer:
            if data_from is not Empty:
                resource._attach(_as_parent(own, data_from))
            else:
                pipe.parent = Pipe("__empty")
        return resource

    def _clone(self, name: Optional[str] = None) -> "DltResource":
        fresh = copy.copy(self)
        fresh._pipe = self._pipe.clone(name)
        fresh._hints = dict(self._hints)
        fresh._variants = {key: dict(value) for key, value in self._variants.items()}
        if self._cursor is not None and self._cursor in fresh._pipe.steps:
            fresh._cursor = self._cursor.copy()
            fresh._pipe.replace(Incremental, fresh._cursor)
        if name:
            fresh.__name__ = name
        return fresh

    # -- what it is

    @property
    def name(self) -> str:
        """The name."""
        return self._pipe.name

    @property
    def is_transformer(self) -> bool:
        """Whether it takes the items of another resource."""
        return self._pipe.parent is not None

    @property
    def requires_args(self) -> bool:
        """Whether arguments must be given before it can be read."""
        gen = self._pipe.gen
        return isinstance(gen, BoundFunction) and not gen.is_bound and bool(gen.missing)

    @property
    def args_bound(self) -> bool:
        """Whether all arguments are given."""
        gen = self._pipe.gen
        return not isinstance(gen, BoundFunction) or gen.is_bound

    @property
    def explicit_args(self) -> Dict[str, Any]:
        """The arguments that were given."""
        gen = self._pipe.gen
        if not isinstance(gen, BoundFunction):
            return {}
        names = [parameter.name for parameter in gen.parameters]
        return {**dict(zip(names, gen.args)), **gen.kwargs}

    @property
    def incremental(self) -> Optional[Incremental[Any]]:
        """The cursor."""
        return self._cursor or self._own_cursor()

    def _own_cursor(self) -> Optional[Incremental[Any]]:
        gen = self._pipe.gen
        if isinstance(gen, BoundFunction):
            for parameter in gen.parameters:
                given = gen.kwargs.get(parameter.name, parameter.default)
                if isinstance(given, Incremental) and given.cursor_path:
                    return given
                if given is not None and isinstance(parameter.default, Incremental):
                    return parameter.default
        return None

    @property
    def limit(self) -> Optional[LimitItem]:
        """Where reading stops."""
        return self._pipe.find(LimitItem)  # type: ignore[return-value]

    @property
    def validator(self) -> Optional[ItemTransform]:
        """What checks its items."""
        return self._pipe.find(ValidateItem)

    @validator.setter
    def validator(self, validator: Optional[ItemTransform]) -> None:
        self._pipe.replace(ValidateItem, validator)

    @property
    def state(self) -> Dict[str, Any]:
        """Its state."""
        from windlass.extract.context import EXTRACTION, resource_state

        if EXTRACTION.get() is not None:
            return resource_state(self.name)
        from windlass.pipeline.active import active

        pipeline = active()
        sources = pipeline.state.get("sources", {}) if pipeline is not None else {}
        source = sources.get(self.source_name or "", {})
        return source.get("resources", {}).get(self.name, {})  # type: ignore[no-any-return]

    @property
    def inputs(self) -> List[Any]:
        """Where its data comes from, for the trace."""
        return self._inputs

    @property
    def custom_metrics(self) -> Dict[str, Any]:
        """What its steps counted."""
        step = self._pipe.find(MetricsItem)
        return step.custom_metrics if isinstance(step, MetricsItem) else {}

    def add_input(self, location: Dict[str, Any], replace: bool = False) -> "DltResource":
        """Notes where its data comes from."""
        self._inputs = [location] if replace else [*self._inputs, location]
        return self

    # -- steps

    def add_map(self, item_map: Callable[..., Any], insert_at: Optional[int] = None) -> "DltResource":
        """Each item becomes what the function gives."""
        self._pipe.insert(MapItem(item_map), insert_at)
        return self

    def add_yield_map(self, item_map: Callable[..., Any], insert_at: Optional[int] = None) -> "DltResource":
        """Each item becomes all that the function yields."""
        self._pipe.insert(YieldMapItem(item_map), insert_at)
        return self

    def add_filter(self, item_filter: Callable[..., Any], insert_at: Optional[int] = None) -> "DltResource":
        """Items for which the function is true go on."""
        self._pipe.insert(FilterItem(item_filter), insert_at)
        return self

    def add_metrics(self, metrics_f: Callable[..., None], insert_at: Optional[int] = None) -> "DltResource":
        """A function that sees items pass, and counts what it likes."""
        self._pipe.insert(MetricsItem(metrics_f), insert_at)
        return self

    def add_step(self, item_transform: Any, insert_at: Optional[int] = None) -> "DltResource":
        """A step that gets items as they were yielded, lists whole."""
        step = item_transform if isinstance(item_transform, ItemTransform) else ItemTransform(item_transform)
        if isinstance(step, Incremental):
            return self._with_cursor(step)
        self._pipe.insert(step, insert_at)
        return self

    def add_limit(
        self,
        max_items: Optional[int] = None,
        max_time: Optional[float] = None,
        count_rows: Optional[bool] = False,
    ) -> "DltResource":
        """Stops reading after a number of items, or rows, or seconds. Has no effect on a transformer."""
        if not self.is_transformer:
            self._pipe.replace(LimitItem, LimitItem(max_items, max_time, count_rows))
        return self

    def select_tables(self, *table_names: Union[str, Iterable[str]]) -> "DltResource":
        """Lets only items of these tables pass."""
        names: List[str] = []
        for name in table_names:
            names += [name] if isinstance(name, str) else list(name)
        self._pipe.append(SelectTables(self, names))
        return self

    def parallelize(self) -> "DltResource":
        """Has its items taken in a thread, beside those of others."""
        gen = self._pipe.gen
        function = gen.function if isinstance(gen, BoundFunction) else None
        is_generator = isinstance(gen, types.GeneratorType) or (
            function is not None and (inspect.isgeneratorfunction(_unwrap(function)) or self.is_transformer)
        )
        if function is not None and inspect.isasyncgenfunction(_unwrap(function)):
            is_generator = True
        if not is_generator and not (function is not None and not _is_data(function)):
            raise InvalidParallelResourceDataType(
                self.name,
                gen,
                type(gen),
                msg=f"In resource `{self.name}`: only generators and functions can be parallelized, not data of type "
                f"`{type(gen).__name__}`",
            )
        self._pipe.is_parallel = True
        return self

    # -- hints

    @property
    def table_name(self) -> Any:
        """The name of its table."""
        return self._hints.get("table_name") or self.name

    @table_name.setter
    def table_name(self, value: Any) -> None:
        self.apply_hints(table_name=value)

    @property
    def write_disposition(self) -> Any:
        """What happens to the rows that the table has."""
        return self._hints.get("write_disposition", "append")

    @write_disposition.setter
    def write_disposition(self, value: Any) -> None:
        self.apply_hints(write_disposition=value)

    @property
    def columns(self) -> Any:
        """The columns that are known beforehand."""
        return self._hints.get("columns")

    @property
    def nested_hints(self) -> Any:
        """Hints of nested tables."""
        return self._hints.get("nested_hints")

    @nested_hints.setter
    def nested_hints(self, value: Any) -> None:
        self.apply_hints(nested_hints=value)

    @property
    def schema_contract(self) -> Any:
        """What new tables, columns and types may do."""
        return self._hints.get("schema_contract")

    @schema_contract.setter
    def schema_contract(self, value: Any) -> None:
        self.apply_hints(schema_contract=value)

    @property
    def table_format(self) -> Any:
        """The format of its table."""
        return self._hints.get("table_format")

    @property
    def parent_table_name(self) -> Any:
        """The table above its own."""
        return self._hints.get("parent_table_name")

    @property
    def max_table_nesting(self) -> Optional[int]:
        """Levels of nesting that become tables."""
        return self._hints.get("max_table_nesting")

    @max_table_nesting.setter
    def max_table_nesting(self, value: Optional[int]) -> None:
        self._hints["max_table_nesting"] = value

    @property
    def has_dynamic_table_name(self) -> bool:
        """Whether items name their table."""
        return has_dynamic_name(self._hints)

    @property
    def has_other_dynamic_hints(self) -> bool:
        """Whether hints beside the name depend on the item."""
        return has_other_dynamic(self._hints)

    def apply_hints(
        self,
        table_name: Any = None,
        parent_table_name: Any = None,
        write_disposition: Any = None,
        columns: Any = None,
        primary_key: Any = None,
        merge_key: Any = None,
        incremental: Any = None,
        schema_contract: Any = None,
        table_format: Any = None,
        file_format: Any = None,
        references: Any = None,
        nested_hints: Any = None,
        additional_table_hints: Any = None,
        create_table_variant: bool = False,
    ) -> "DltResource":
        """Changes hints: `None` leaves one as it is, an empty value removes it, columns are merged."""
        given = {
            "table_name": table_name,
            "parent_table_name": parent_table_name,
            "write_disposition": write_disposition,
            "columns": columns,
            "primary_key": primary_key,
            "merge_key": merge_key,
            "schema_contract": schema_contract,
            "table_format": table_format,
            "file_format": file_format,
            "references": references,
            "nested_hints": nested_hints,
            "additional_table_hints": additional_table_hints,
        }
        if create_table_variant:
            return self._add_variant(given)
        self._hints = apply_hints(self._hints, given)
        if "validator" in self._hints:
            self._pipe.replace(ValidateItem, self._hints["validator"])
        if incremental is not None:
            self.set_incremental(incremental)
        if primary_key is not None and self._cursor is not None:
            self._cursor.set_deduplication_key(self._hints.get("primary_key"), from_hints=True)
        return self

    def _add_variant(self, given: Dict[str, Any]) -> "DltResource":
        name = given.get("table_name")
        if not isinstance(name, str):
            raise ValueError("a table variant needs a table name that is a text")
        base = {key: value for key, value in self._hints.items() if not callable(value)}
        for key in ("incremental", "validator", "original_columns"):
            base.pop(key, None)
        self._variants[name] = apply_hints(self._variants.get(name, base), given)
        return self

    def merge_hints(self, hints_template: Dict[str, Any], create_table_variant: bool = False) -> None:
        """Applies hints that were made by `make_hints`."""
        known = {key: value for key, value in hints_template.items() if key not in ("validator", "original_columns", "max_table_nesting")}
        if hints_template.get("original_columns") is not None:
            known["columns"] = hints_template["original_columns"]
        self.apply_hints(**known, create_table_variant=create_table_variant)

    def set_incremental(self, new_incremental: Any) -> Optional[Incremental[Any]]:
        """Puts a cursor in place of the one that is there."""
        self._with_cursor(None if new_incremental is None or new_incremental is Incremental.EMPTY else Incremental.ensure_instance(new_incremental))
        return self._cursor

    def _with_cursor(self, cursor: Optional[Incremental[Any]]) -> "DltResource":
        self._cursor = cursor
        self._hints.pop("incremental", None)
        if cursor is not None:
            cursor.set_deduplication_key(self._hints.get("primary_key"), from_hints=True)
        self._pipe.replace(Incremental, cursor)
        return self

    def hints_of(self, item: Any = None, variant: Optional[str] = None) -> Dict[str, Any]:
        """The hints, for one item where they depend on it."""
        base = self._variants[variant] if variant is not None else self._hints
        return resolve_hints(base, item)

    def compute_table_schema(self, item: Any = None, meta: Any = None) -> Dict[str, Any]:
        """The definition of its table, for one item where it depends on it."""
        hints = self.hints_of(item)
        columns = ensure_columns(hints.get("columns"))
        for flag in ("primary_key", "merge_key"):
            names = hints.get(flag)
            for name in [names] if isinstance(names, str) else names or []:
                column = columns.setdefault(name, {"name": name})
                column.setdefault("nullable", False)
                column[flag] = True
        cursor = self.incremental
        if cursor is not None and cursor.get_cursor_column_name():
            name = str(cursor.get_cursor_column_name())
            columns.setdefault(name, {"name": name})["incremental"] = True
        table: Dict[str, Any] = {"columns": columns}
        disposition = hints.get("write_disposition", "append")
        if isinstance(disposition, dict):
            table["write_disposition"] = disposition.get("disposition", "append")
            if disposition.get("strategy"):
                table["x-merge-strategy"] = disposition["strategy"]
        else:
            table["write_disposition"] = disposition
        for name in ("schema_contract", "table_format", "file_format", "references"):
            if hints.get(name):
                table[name] = hints[name]
        table["name"] = hints.get("table_name") or self.name
        if hints.get("parent_table_name"):
            table["parent"] = hints["parent_table_name"]
        else:
            table["resource"] = self.name
        if hints.get("max_table_nesting") is not None:
            table["x-normalizer"] = {"max_nesting": hints["max_table_nesting"]}
        table.update(hints.get("additional_table_hints") or {})
        return table

    # -- arguments and parents

    def __call__(self, *args: Any, **kwargs: Any) -> "DltResource":
        """A copy with arguments."""
        return self._clone().bind(*args, **kwargs)

    def bind(self, *args: Any, **kwargs: Any) -> "DltResource":
        """Gives the arguments of its function."""
        gen = self._pipe.gen
        if not isinstance(gen, BoundFunction):
            if args or kwargs or not callable(gen):
                raise TypeError(
                    f"resource `{self.name}` is not a function: it takes no arguments"
                    if not isinstance(gen, BoundFunction)
                    else "bound"
                )
            return self
        if gen.is_bound:
            raise TypeError(f"the arguments of resource `{self.name}` are bound already")
        bound = gen.bind(args, kwargs)
        names = [parameter.name for parameter in gen.parameters]
        accepts_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in gen.parameters)
        unknown = [name for name in kwargs if name not in names]
        if unknown and not accepts_any:
            raise TypeError(f"resource `{self.name}`: there is no argument `{unknown[0]}`: {choices(unknown[0], names)}")
        if len(args) > len(names) and not any(p.kind is p.VAR_POSITIONAL for p in gen.parameters):
            raise TypeError(f"resource `{self.name}` takes {len(names)} positional arguments, {len(args)} were given")
        self._pipe.gen = bound
        if self._name_function is not None:
            self._rename(self._name_function(self._arguments(bound)))
        result = _returned_resource(self, bound)
        return result if result is not None else self

    def _arguments(self, gen: BoundFunction) -> Dict[str, Any]:
        names = [parameter.name for parameter in gen.parameters]
        defaults = {p.name: p.default for p in gen.parameters if p.default is not p.empty}
        return {**defaults, **dict(zip(names, gen.args)), **gen.kwargs}

    def _rename(self, name: str) -> None:
        self._pipe.name = name
        self.__name__ = name

    def with_name(self, new_name: str, new_section: Optional[str] = None) -> "DltResource":
        """A copy with another name, and so with a state and a table of its own."""
        fresh = self._clone(new_name)
        if new_section:
            fresh.section = new_section
        if self._parent is not None:
            # What the parents keep in the state belongs to this pipe alone, too.
            fresh._attach(self._parent.with_name(f"{self._parent.name}_{new_name}"))
        return fresh

    def _attach(self, parent: "DltResource") -> None:
        self._parent = parent
        self._pipe.parent = parent._pipe

    def pipe_data_from(self, data_from: Any) -> "DltResource":
        """Takes the items of another resource."""
        if not self.is_transformer:
            raise ResourceNotATransformer(
                self.name, f"In resource `{self.name}`: only a transformer takes the items of another resource"
            )
        self._attach(_as_parent(self.name, data_from))
        return self

    def __or__(self, transform: Any) -> "DltResource":
        if isinstance(transform, DltResource):
            if transform.is_transformer and transform._parent is not None:
                transform = transform._clone()
            return transform.pipe_data_from(self)
        if inspect.isgeneratorfunction(transform):
            return self.add_yield_map(transform)
        return self.add_map(transform)

    def __ror__(self, data: Any) -> "DltResource":
        import uuid

        parent = DltResource.from_data(data, name=f"iter_{uuid.uuid4().hex[:8]}")
        parent._is_anonymous = True
        return self.pipe_data_from(parent)

    def __iter__(self) -> Iterator[Any]:
        """The items, lists flattened, with a state that is thrown away."""
        from windlass.extract.source import DltSource

        source = DltSource.of_resources(self.source_name or self.name, self.section, [self])
        return iter(source)

    def __repr__(self) -> str:
        kind = "transformer" if self.is_transformer else "resource"
        return f"<dlt.{kind}(name='{self.name}', section='{self.section}', selected={self.selected})>"

    __str__ = __repr__

    @classmethod
    def Empty(cls, *_: Any, **__: Any) -> Any:  # noqa: N802 (the reference's name)
        """No parent: it is attached later."""
        return Empty


class _EmptyParent:
    """Stands for a parent that is attached later."""


Empty = _EmptyParent()


def _unwrap(function: Any) -> Any:
    return inspect.unwrap(function) if callable(function) else function


def _is_data(data: Any) -> bool:
    """Whether rows can be read from it without calling it."""
    if isinstance(data, type):
        return False
    names = ("__iter__", "__next__", "__aiter__", "__anext__", "__arrow_c_stream__", "__arrow_c_array__")
    return is_lazy(data) or any(hasattr(data, name) for name in names)


def _section_of(data: Any) -> str:
    function = _unwrap(data) if callable(data) else data
    module = inspect.getmodule(function)
    if module is None:
        return ""
    return getattr(module, "__source_name__", None) or module.__name__.split(".")[-1]


def _as_parent(name: str, data_from: Any) -> DltResource:
    if isinstance(data_from, DltResource):
        return data_from
    if hasattr(data_from, "resource_of_factory"):
        return data_from.resource_of_factory()
    if callable(data_from):
        raise InvalidParentResourceIsAFunction(
            name, getattr(data_from, "__name__", ""), msg=f"In transformer `{name}`: data_from is a function: decorate it with @dlt.resource"
        )
    raise InvalidParentResourceDataType(
        name, data_from, type(data_from), msg=f"In transformer `{name}`: data_from must be a resource"
    )


def _check_transformer(name: str, function: Callable[..., Any]) -> None:
    parameters = list(inspect.signature(_unwrap(function)).parameters.values())
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise InvalidTransformerGeneratorFunction(
            name,
            getattr(function, "__name__", ""),
            None,
            1,
            msg=f"In transformer `{name}`: the function needs a first argument, which gets the item",
        )


def _returned_resource(resource: DltResource, gen: BoundFunction) -> Optional[DltResource]:
    """The resource that a function gives, if its annotation says that it gives one."""
    from windlass.common.configuration.inject import signature_of

    annotation = signature_of(gen.function).return_annotation
    if not (isinstance(annotation, type) and issubclass(annotation, DltResource)):
        return None
    result = call_function(resource, gen)
    if not isinstance(result, DltResource):
        return None
    hints = {key: value for key, value in resource._hints.items() if value is not None}
    if hints:
        result.merge_hints({**make_hints(), **hints})
    return result


def _named(data: Any) -> str:
    """What a resource is made over, for messages."""
    return "a lambda" if getattr(data, "__name__", "") == "<lambda>" else f"a `{type(data).__name__}`"
