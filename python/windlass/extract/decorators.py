"""`@dlt.source`, `@dlt.resource`, `@dlt.transformer`, `@dlt.defer`."""

import functools
import inspect
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from windlass.common.configuration.inject import inject, of_spec
from windlass.extract.binding import BoundFunction
from windlass.extract.context import SOURCE_SECTION
from windlass.extract.exceptions import (
    ExplicitSourceNameInvalid,
    SourceDataIsNone,
    SourceIsAClassTypeError,
    SourceNotAFunction,
)
from windlass.extract.hints import make_hints, validate_dynamic
from windlass.extract.pipe import _Deferred
from windlass.extract.resource import DltResource, Empty, _is_data, _section_of
from windlass.extract.source import DltSource

#: Sources that were decorated, by the place of their function.
SOURCES: Dict[str, "SourceFactory"] = {}


def defer(f: Callable[..., Any]) -> Callable[..., Callable[[], Any]]:
    """A function whose calls run in a thread, beside each other."""

    @functools.wraps(f)
    def deferred(*args: Any, **kwargs: Any) -> Callable[[], Any]:
        return _Deferred(lambda: f(*args, **kwargs))

    return deferred


def _hints(arguments: Dict[str, Any]) -> Dict[str, Any]:
    names = (
        "table_name",
        "write_disposition",
        "columns",
        "primary_key",
        "merge_key",
        "schema_contract",
        "table_format",
        "file_format",
        "references",
        "nested_hints",
        "max_table_nesting",
    )
    hints = make_hints(**{name: arguments[name] for name in names})
    hints.setdefault("write_disposition", "append")
    validate_dynamic(hints)
    return hints


def _refuse(what: str, keywords: Dict[str, Any]) -> None:
    """Keywords that exist and mean nothing here are named; unknown ones are an error."""
    # `standalone` is ignored by the reference as well.
    known = {"_impl_cls", "_base_spec", "standalone"}
    for name, value in keywords.items():
        if name not in known:
            raise TypeError(f"{what}() got an unexpected keyword argument '{name}'")
        if name != "standalone" and value is not None:
            raise NotImplementedError(f"{what}({name}=...): windlass has classes of its own only; leave it out")


def _make(given: Any, arguments: Dict[str, Any]) -> DltResource:
    """A resource of what was decorated and the decorator's arguments."""
    name = arguments["name"]
    made = DltResource.from_data(
        given,
        name if name is not None else getattr(given, "__name__", None),
        arguments["section"],
        _hints(arguments),
        arguments["selected"],
        arguments["data_from"],
    )
    if callable(name):
        made._name_function = name
    if isinstance(made._pipe.gen, BoundFunction):
        made._pipe.gen.spec = arguments["spec"]
    if arguments["parallelized"]:
        made.parallelize()
    return made


def resource(
    data: Any = None,
    /,
    name: Any = None,
    table_name: Any = None,
    max_table_nesting: Optional[int] = None,
    write_disposition: Any = None,
    columns: Any = None,
    primary_key: Any = None,
    merge_key: Any = None,
    schema_contract: Any = None,
    table_format: Any = None,
    file_format: Any = None,
    references: Any = None,
    nested_hints: Any = None,
    selected: bool = True,
    spec: Any = None,
    parallelized: bool = False,
    incremental: Any = None,
    section: Optional[str] = None,
    data_from: Any = None,
    **others: Any,
) -> Any:
    """Makes a resource of a function or of data."""
    _refuse("resource", others)
    arguments = dict(locals())

    def make(given: Any) -> Any:
        made = _make(given, arguments)
        if incremental is not None:
            made.set_incremental(incremental)
        return made

    if data is None:
        return make
    return make(data)


def transformer(
    f: Any = None,
    /,
    data_from: Any = Empty,
    name: Any = None,
    table_name: Any = None,
    max_table_nesting: Optional[int] = None,
    write_disposition: Any = None,
    columns: Any = None,
    primary_key: Any = None,
    merge_key: Any = None,
    schema_contract: Any = None,
    table_format: Any = None,
    file_format: Any = None,
    references: Any = None,
    nested_hints: Any = None,
    selected: bool = True,
    spec: Any = None,
    parallelized: bool = False,
    section: Optional[str] = None,
    **others: Any,
) -> Any:
    """Makes a resource of a function of another resource's items."""
    if isinstance(f, DltResource):
        raise ValueError("give the parent by name: `data_from=`; the first argument is the function")
    _refuse("transformer", others)
    arguments = dict(locals())

    def make(given: Any) -> Any:
        return _make(given, arguments)

    return make if f is None else make(f)


class SourceFactory:
    """A decorated source: calling it gives the source."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: Optional[str],
        section: Optional[str],
        max_table_nesting: Optional[int],
        root_key: Optional[bool],
        schema: Any,
        schema_contract: Any,
        parallelized: bool,
        spec: Any = None,
    ) -> None:
        self._function = function
        self._spec = spec
        own = schema.name if schema is not None else getattr(function, "__name__", "source")
        self.name: str = name or str(own)
        self.section = section or _section_of(function)
        self._max_table_nesting = max_table_nesting
        self._root_key = root_key
        self._schema = schema
        self._schema_contract = schema_contract
        self._parallelized = parallelized
        self._limit: Optional[Tuple[Any, Any, Any]] = None
        self._postprocessors: List[Callable[[DltSource], DltSource]] = []
        functools.update_wrapper(self, function)

    def _new_schema(self) -> Any:
        from windlass.common.schema import Schema

        if self._schema is not None:
            return self._schema.clone()
        found = _schema_beside(self._function, self.name)
        return found if found is not None else Schema(self.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        schema = self._new_schema()
        sections = ("sources", self.section, self.name)
        if self._spec is not None:
            kwargs = {**kwargs, **of_spec(self._function, self._spec, sections, args, kwargs)}
        bound = inject(self._function, args, kwargs, sections)
        token = SOURCE_SECTION.set(self)
        try:
            data = self._function(*bound.args, **bound.kwargs)
            if inspect.iscoroutine(data):
                return self._awaited(data, schema)
            if isinstance(data, types.GeneratorType):
                data = list(data)
        finally:
            SOURCE_SECTION.reset(token)
        return self._finish(data, schema)

    async def _awaited(self, data: Any, schema: Any) -> DltSource:
        return self._finish(await data, schema)

    def _finish(self, data: Any, schema: Any) -> DltSource:
        if data is None:
            raise SourceDataIsNone(
                self.name,
                msg=f"The source `{self.name}` gave None: return or yield its resources",
            )
        if isinstance(data, DltSource):
            source = data
        else:
            source = DltSource(schema, self.section, resources_of(data, self.name, self.section))
        if self._max_table_nesting is not None:
            source.max_table_nesting = self._max_table_nesting
        if self._root_key is not None:
            source.root_key = self._root_key
        if self._schema_contract is not None:
            source.schema_contract = self._schema_contract
        if self._parallelized:
            source.parallelize()
        if self._limit is not None:
            source.add_limit(*self._limit)
        for change in self._postprocessors:
            source = change(source) or source
        return source

    def clone(self, *, name: Optional[str] = None, section: Optional[str] = None, **options: Any) -> "SourceFactory":
        """The same source with other options."""
        fresh = SourceFactory(
            self._function,
            name or self.name,
            section or self.section,
            options.get("max_table_nesting", self._max_table_nesting),
            options.get("root_key", self._root_key),
            options.get("schema", self._schema),
            options.get("schema_contract", self._schema_contract),
            options.get("parallelized", self._parallelized),
            options.get("spec", self._spec),
        )
        fresh._limit = self._limit
        fresh._postprocessors = list(self._postprocessors)
        return fresh

    with_args = clone

    def add_limit(
        self, max_items: Optional[int] = None, max_time: Optional[float] = None, count_rows: Optional[bool] = False
    ) -> "SourceFactory":
        """The same source whose resources stop after a number of items."""
        fresh = self.clone()
        fresh._limit = (max_items, max_time, count_rows)
        return fresh

    def add_postprocessor(self, change: Callable[[DltSource], DltSource]) -> "SourceFactory":
        """Has each source passed through a function."""
        self._postprocessors.append(change)
        return self

    def __repr__(self) -> str:
        return f"<dlt.source factory(name='{self.name}', section='{self.section}')>"


def source(
    func: Any = None,
    /,
    name: Optional[str] = None,
    section: Optional[str] = None,
    max_table_nesting: Optional[int] = None,
    root_key: Optional[bool] = None,
    schema: Any = None,
    schema_contract: Any = None,
    spec: Any = None,
    parallelized: bool = False,
    _impl_cls: Any = None,
) -> Any:
    """Makes a source of a function that gives resources."""
    if name and schema is not None:
        raise TypeError("`name` has no effect when `schema` is given: the source has the schema's name")
    _refuse("source", {"_impl_cls": _impl_cls})
    if name is not None and not isinstance(name, str):
        raise ExplicitSourceNameInvalid(str(name), "")

    def make(function: Any) -> SourceFactory:
        if not callable(function) or isinstance(function, DltResource):
            raise SourceNotAFunction(
                name or "",
                function,
                type(function),
                msg=f"@dlt.source needs a function, not `{type(function).__name__}`",
            )
        if isinstance(function, type):
            raise SourceIsAClassTypeError(
                name or function.__name__, function, msg="@dlt.source needs a function, not a class"
            )
        factory = SourceFactory(
            function, name, section, max_table_nesting, root_key, schema, schema_contract, parallelized, spec
        )
        if "<locals>" not in getattr(function, "__qualname__", ""):
            SOURCES[f"{function.__module__}.{function.__qualname__}"] = factory
            SOURCES.setdefault(factory.name, factory)
        return factory

    return make if func is None else make(func)


def resources_of(data: Any, name: str, section: str) -> List[DltResource]:
    """The resources of what a source function gave."""
    if isinstance(data, DltResource):
        return [data]
    if isinstance(data, DltSource):
        return list(data.resources.values())
    if isinstance(data, (list, tuple)) and data and any(
        isinstance(item, (DltResource, DltSource)) for item in data
    ):
        found: List[DltResource] = []
        for item in data:
            if isinstance(item, DltSource):
                found += list(item.resources.values())
            elif isinstance(item, DltResource):
                found.append(item)
            else:
                found.append(DltResource.from_data(item, name=getattr(item, "__name__", None), section=section))
        return found
    if isinstance(data, (list, tuple)) and not data:
        return []
    if _is_data(data) or callable(data):
        hints = {"write_disposition": "append"}
        return [DltResource.from_data(data, name=getattr(data, "__name__", None) or name, section=section, hints=hints)]
    return [DltResource.from_data(data, name=name, section=section)]


def _schema_beside(function: Any, name: str) -> Any:
    """The schema in a file beside the module of a source."""
    from pathlib import Path

    from windlass.common.schema import Schema

    try:
        folder = Path(inspect.getfile(inspect.unwrap(function))).parent
    except (TypeError, OSError):
        return None
    for ending in ("yaml", "yml", "json"):
        path = folder / f"{name}.schema.{ending}"
        if path.is_file():
            return Schema.from_file(path)
    return None
