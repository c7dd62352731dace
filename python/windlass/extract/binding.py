"""The functions of resources: their arguments, and the cursor that is one of them."""

import copy
import inspect
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence

from windlass.extract.exceptions import ParametrizedResourceUnbound
from windlass.extract.incremental import Incremental, check_words

if TYPE_CHECKING:
    from windlass.extract.resource import DltResource


class BoundFunction:
    """A resource's function with the arguments that were given; the rest comes from settings."""

    def __init__(self, function: Callable[..., Any], section: str, is_transformer: bool) -> None:
        self.function = function
        self.section = section
        self.is_transformer = is_transformer
        self.args: tuple = ()
        self.kwargs: Dict[str, Any] = {}
        self.is_bound = False
        #: A class of settings, whose fields are arguments.
        self.spec: Any = None
        #: What bound parameters are named by; the name of a resource may depend on it.
        self.__name__ = getattr(function, "__name__", "function")

    def bind(self, args: tuple, kwargs: Dict[str, Any]) -> "BoundFunction":
        """The function with these arguments."""
        fresh = copy.copy(self)
        fresh.args, fresh.kwargs, fresh.is_bound = args, kwargs, True
        return fresh

    @property
    def parameters(self) -> List[inspect.Parameter]:
        """The parameters without the item of a transformer."""
        from windlass.common.configuration.inject import signature_of

        found = list(signature_of(self.function).parameters.values())
        if self.is_transformer:
            found = [parameter for parameter in found[1:] if parameter.name != "meta"]
        return found

    @property
    def missing(self) -> List[str]:
        """Names of the parameters that must be given and were not."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        needed = [
            parameter
            for parameter in self.parameters
            if parameter.default is parameter.empty
            and parameter.kind in (*kinds, inspect.Parameter.KEYWORD_ONLY)
        ]
        given = {parameter.name for parameter in self.parameters[: len(self.args)]} | set(self.kwargs)
        return [parameter.name for parameter in needed if parameter.name not in given]

    def sections(self, source_section: Optional[str], resource_name: str) -> Sequence[str]:
        """Where the settings of the function are."""
        return ("sources", source_section or self.section, resource_name)

    @property
    def own_cursor(self) -> Optional[str]:
        """The name of the parameter that is a cursor."""
        for parameter in self.parameters:
            if isinstance(parameter.default, Incremental) or _is_cursor_type(parameter.annotation):
                return parameter.name
        return None


def _is_cursor_type(annotation: Any) -> bool:
    import typing

    for kind in (annotation, typing.get_origin(annotation), *typing.get_args(annotation)):
        origin = typing.get_origin(kind) or kind
        if isinstance(origin, type) and issubclass(origin, Incremental):
            return True
    return False


def call_function(resource: "DltResource", gen: BoundFunction) -> Any:
    """Calls the function of a resource; missing arguments come from settings, a cursor is bound to the resource."""
    from windlass.common.configuration.inject import inject, of_spec

    if gen.missing:
        raise ParametrizedResourceUnbound(
            resource.name,
            gen.__name__,
            None,
            "resource",
            "",
            msg=f"The resource `{resource.name}` needs arguments that were not given: {', '.join(gen.missing)}; call it "
            "with them",
        )
    args = ((None,) if gen.is_transformer else ()) + gen.args
    cursor_name = gen.own_cursor
    skip = [cursor_name] if cursor_name else []
    source_section = resource.source_name if resource.source_name else None
    sections = ("sources", gen.section, source_section or resource.name)
    kwargs = gen.kwargs
    if gen.spec is not None:
        kwargs = {**kwargs, **of_spec(gen.function, gen.spec, sections, args, kwargs)}
    bound = inject(gen.function, args, kwargs, sections, skip=skip)
    if cursor_name:
        bound.arguments[cursor_name] = bind_cursor(resource, gen, cursor_name, bound.arguments.get(cursor_name, _ABSENT))
        names = list(bound.signature.parameters)
        bound.arguments = {name: bound.arguments[name] for name in names if name in bound.arguments}
    if gen.is_transformer:
        first = next(iter(bound.signature.parameters))
        fixed = {name: value for name, value in bound.arguments.items() if name != first}
        return _transformer(gen.function, bound, first, fixed)
    return gen.function(*bound.args, **bound.kwargs)


_ABSENT = object()


def bind_cursor(resource: "DltResource", gen: BoundFunction, name: str, given: Any) -> Optional[Incremental[Any]]:
    """The cursor that a function gets: its default, changed by what was given; it becomes a step of the pipe."""
    from windlass.common.configuration.coerce import is_optional
    from windlass.common.configuration.exceptions import ConfigFieldMissingException

    parameter = next(parameter for parameter in gen.parameters if parameter.name == name)
    default = parameter.default if isinstance(parameter.default, Incremental) else None
    if resource._cursor is not None:
        # What was set on the resource goes before what stands in the function.
        return resource._cursor.bind(resource._pipe)
    if given is _ABSENT:
        cursor = default.copy() if default is not None else None
    elif given is None:
        if default is not None and not is_optional(parameter.annotation):
            raise ConfigFieldMissingException(
                gen.__name__, {}, msg=f"the cursor `{name}` of resource `{resource.name}` cannot be None: annotate it as Optional"
            )
        cursor = None
    elif isinstance(given, Incremental):
        cursor = default.merge(given) if default is not None else given.copy()
    elif default is not None:
        cursor = default.copy()
        cursor.initial_value = given
    else:
        cursor = Incremental.ensure_instance(given)
    if cursor is None:
        return None
    _configure_cursor(resource, gen, name, cursor)
    resource._with_cursor(cursor)
    return cursor.bind(resource._pipe)


def _configure_cursor(resource: "DltResource", gen: BoundFunction, name: str, cursor: Incremental[Any]) -> None:
    """Options from settings, which go before those in code."""
    from windlass.common.configuration.resolve import lookup

    sections = ("sources", gen.section, resource.name)
    for option in ("initial_value", "end_value", "row_order", "lag", "on_cursor_value_missing", "range_start", "range_end", "cursor_path"):
        value, _ = lookup(option, sections, embedded=(name,))
        if value is not None:
            check_words(**{option: value})
            setattr(cursor, option, float(value) if option == "lag" else value)


def _transformer(function: Any, bound: inspect.BoundArguments, first: str, fixed: Dict[str, Any]) -> Callable[..., Any]:
    takes_meta = "meta" in bound.signature.parameters
    positional = bound.signature.parameters[first].kind is inspect.Parameter.POSITIONAL_ONLY
    var_args: tuple = ()
    for parameter in bound.signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            var_args = fixed.pop(parameter.name, ())
        elif parameter.kind is parameter.VAR_KEYWORD:
            fixed.update(fixed.pop(parameter.name, {}))
    del positional

    def call(item: Any, meta: Any = None) -> Any:
        if takes_meta:
            return function(item, *var_args, **{**fixed, "meta": meta})
        return function(item, *var_args, **fixed)

    call.__name__ = getattr(function, "__name__", "transformer")
    call.original = function  # type: ignore[attr-defined]
    return call
