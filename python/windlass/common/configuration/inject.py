"""Filling in the arguments of functions from settings."""

import functools
import inspect
from typing import Any, Callable, Dict, List, Sequence, Tuple, TypeVar

from windlass.common.configuration.coerce import inner_type, is_optional
from windlass.common.configuration.resolve import Missing, missing_error, resolve
from windlass.common.typing import CONFIG_VALUE, SECRETS_VALUE, ConfigValueSentinel, is_secret_hint

TFun = TypeVar("TFun", bound=Callable[..., Any])

_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def spec_name(function: Callable[..., Any]) -> str:
    """The name of a function's settings in reports."""
    name = getattr(function, "__name__", "function")
    return "".join(part.capitalize() for part in name.split("_")) + "Configuration"


@functools.lru_cache(maxsize=4096)
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function, with its annotations as types."""
    signature = inspect.signature(function)
    try:
        import typing

        hints = typing.get_type_hints(function, include_extras=True)
    except Exception:
        return signature
    # A default of None makes a type optional, as it always did.
    parameters = [
        parameter.replace(annotation=hints.get(parameter.name, parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters)


def injectable(parameter: inspect.Parameter) -> bool:
    """Whether an argument may come from settings: those without a default must be given."""
    return parameter.kind in _KINDS and parameter.default is not parameter.empty


def _wanted(parameter: inspect.Parameter) -> Any:
    if parameter.annotation is not parameter.empty:
        return parameter.annotation
    if parameter.default is None or isinstance(parameter.default, ConfigValueSentinel):
        return Any
    kind = type(parameter.default)
    return kind if kind in (str, int, float, bool, list, dict, tuple) else Any


def inject(
    function: Callable[..., Any],
    args: Tuple[Any, ...],
    kwargs: Dict[str, Any],
    sections: Sequence[str],
    skip: Sequence[str] = (),
) -> inspect.BoundArguments:
    """The arguments of a call, with settings for those that were not given.

    Raises `ConfigFieldMissingException` for those that are nowhere.
    """
    signature = signature_of(function)
    bound = signature.bind_partial(*args, **kwargs)
    missing: List[Missing] = []
    resolved: List[str] = []
    for name, parameter in signature.parameters.items():
        if not injectable(parameter) or name in skip:
            continue
        given = bound.arguments.get(name, parameter.empty)
        is_sentinel = isinstance(given, ConfigValueSentinel)
        if given is not parameter.empty and not is_sentinel:
            if given is None and parameter.default in (CONFIG_VALUE, SECRETS_VALUE):
                if not is_optional(parameter.annotation):
                    missing.append(Missing(name, []))
            continue
        default = given if is_sentinel else parameter.default
        is_secret = default is SECRETS_VALUE or is_secret_hint(parameter.annotation)
        if _is_cursor(default):
            continue
        value, traces = resolve(name, sections, _wanted(parameter), is_secret=is_secret)
        if value is None and _takes_fields(parameter):
            value = _from_fields(name, parameter, sections)
        if value is not None:
            bound.arguments[name] = value
            resolved.append(name)
        elif isinstance(default, ConfigValueSentinel):
            if is_optional(parameter.annotation):
                bound.arguments[name] = None
            else:
                missing.append(Missing(name, traces))
    if missing:
        raise missing_error(spec_name(function), missing, resolved)
    # What was filled in may stand before what was given.
    names = [name for name in signature.parameters if name in bound.arguments]
    bound.arguments = {name: bound.arguments[name] for name in names}
    return bound


def _is_cursor(value: Any) -> bool:
    return hasattr(value, "cursor_path") and hasattr(value, "get_current_range")


def _takes_fields(parameter: inspect.Parameter) -> bool:
    kind = inner_type(parameter.annotation)
    return isinstance(kind, type) and hasattr(kind, "resolve_fields")


def _from_fields(name: str, parameter: inspect.Parameter, sections: Sequence[str]) -> Any:
    """Credentials whose fields are settings of their own."""
    return inner_type(parameter.annotation).resolve_fields(sections, name)


def with_config(
    func: Any = None,
    /,
    spec: Any = None,
    sections: Any = (),
    **others: Any,
) -> Any:
    """Decorates a function so that its arguments are filled in from settings.

    With `spec`, a class of settings, the arguments of its fields' names come from there, and an argument of that type gets
    all of it. `sections` may be a function of the arguments.
    """
    for name, value in others.items():
        if name not in ("sections_merge_style", "auto_pipeline_section", "base", "lock_context_on_injection"):
            raise TypeError(f"with_config() got an unexpected keyword argument '{name}' (windlass does not have it yet)")
        if value not in (None, False, True):
            raise NotImplementedError(f"with_config({name}=...): windlass does not have it (yet); leave it out")

    def decorate(function: TFun) -> TFun:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = sections(signature_of(function).bind_partial(*args, **kwargs).arguments) if callable(sections) else sections
            names = (given,) if isinstance(given, str) else tuple(given)
            if spec is not None:
                kwargs = {**kwargs, **of_spec(function, spec, names, args, kwargs)}
            bound = inject(function, args, kwargs, names)
            return function(*bound.args, **bound.kwargs)

        return call  # type: ignore[return-value]

    return decorate if func is None else decorate(func)


def of_spec(function: Any, spec: Any, sections: Sequence[str], args: Any, kwargs: Any) -> Dict[str, Any]:
    """The arguments that a class of settings gives."""
    from windlass.common.configuration.specs.resolving import resolve_configuration

    signature = signature_of(function)
    given = signature.bind_partial(*args, **kwargs).arguments
    made = spec()
    for name in made:
        if given.get(name) is not None and not isinstance(given[name], ConfigValueSentinel):
            made[name] = given[name]
    values = resolve_configuration(made, sections=sections)
    found = {}
    for name, parameter in signature.parameters.items():
        if name in given and given[name] is not None and not isinstance(given[name], ConfigValueSentinel):
            continue
        if inner_type(parameter.annotation) is spec:
            found[name] = values
        elif name in values:
            found[name] = values[name]
    return found
