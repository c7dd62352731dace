"""Configurations held against their types, before anything is done with them."""

import collections.abc
import typing
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence

from windlass.common.exceptions import DictValidationException, choices, nearest_first
from windlass.extract.resource import DltResource
from windlass.sources.helpers.rest_client.auth import AuthConfigBase
from windlass.sources.helpers.rest_client.paginators import BasePaginator
from windlass.sources.helpers.rest_client.utils import SENSITIVE_NAMES
from windlass.sources.rest_api import typing as types

#: Kinds of paginators and auth by name; what is registered comes along.
_PAGINATOR_SHAPES: Dict[str, Any] = {
    "page_number": types.PageNumberPaginatorConfig,
    "offset": types.OffsetPaginatorConfig,
    "header_link": types.HeaderLinkPaginatorConfig,
    "header_cursor": types.HeaderCursorPaginatorConfig,
    "json_link": types.JSONLinkPaginatorConfig,
    "json_response": types.JSONLinkPaginatorConfig,
    "cursor": types.JSONResponseCursorPaginatorConfig,
    "single_page": types.PaginatorTypeConfig,
    "auto": types.PaginatorTypeConfig,
}
_AUTH_SHAPES: Dict[str, Any] = {
    "bearer": types.BearerTokenAuthConfig,
    "api_key": types.ApiKeyAuthConfig,
    "http_basic": types.HttpBasicAuthConfig,
    "oauth2_client_credentials": types.OAuth2ClientCredentialsConfig,
}


class MissingKey(DictValidationException, KeyError):
    """A key that must be there is not."""


class WrongEntry(DictValidationException, AttributeError):
    """An entry of a list is something else."""


class WrongKind(DictValidationException, AssertionError):
    """A value that is right elsewhere is not right here."""


def fail(path: str, text: str, kind: Any = DictValidationException) -> NoReturn:
    """Raises an error at a place of the configuration."""
    raise kind(msg=f"Path `{path}`: {text}", path=path)


def meant(name: str, known: Sequence[str]) -> str:
    """`: did you mean ..? there are ..`."""
    return f": {choices(name, known)}"


def _shown(field: str, value: Any) -> str:
    """A field with its value, as far as it may be shown."""
    if isinstance(value, (str, int, float, bool)) and field.lower() not in SENSITIVE_NAMES:
        return f"`{field}={value}`"
    return f"`{field}` of type `{type(value).__name__}`"


def _fields(kind: Any) -> Dict[str, Any]:
    return typing.get_type_hints(kind)


def _check_fields(value: Mapping[str, Any], kind: Any, path: str) -> None:
    hints = _fields(kind)
    unknown = [key for key in value if key not in hints]
    if unknown:
        names = ", ".join(repr(key) for key in unknown)
        fail(path, f"received unexpected fields `{{{names}}}`{meant(unknown[0], list(hints))}")
    missing = [key for key in kind.__required_keys__ if key not in value]
    if missing:
        fail(path, f"missing required fields `{{{', '.join(repr(key) for key in sorted(missing))}}}`")
    for key, item in value.items():
        _check(item, hints[key], path, key)


def _check(value: Any, hint: Any, path: str, field: str) -> None:
    """Holds a value against a type. Raises `DictValidationException` with the place of what is wrong."""
    if hint is Any:
        return
    if hint in (types.PaginatorConfig, Optional[types.PaginatorConfig]):
        return _check_typed(value, "paginator", _PAGINATOR_SHAPES, BasePaginator, f"{path}/{field}", path, field)
    if hint in (types.AuthConfig, Optional[types.AuthConfig]):
        return _check_typed(value, "auth", _AUTH_SHAPES, AuthConfigBase, f"{path}/{field}", path, field)
    origin = typing.get_origin(hint)
    if origin is typing.Union:
        return _check_union(value, typing.get_args(hint), path, field)
    if typing.is_typeddict(hint):
        if not isinstance(value, collections.abc.Mapping):
            fail(path, f"field {_shown(field, value)} has invalid type while `dict` is expected")
        return _check_fields(value, hint, f"{path}/{field}")
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            known = list(typing.get_args(hint))
            fail(path, f"field {_shown(field, value)} is not one of: {list(nearest_first(value, known))}")
        return
    if origin is list:
        if not isinstance(value, list):
            fail(path, f"field {_shown(field, value)} has invalid type while `list` is expected")
        for index, item in enumerate(value):
            _check(item, typing.get_args(hint)[0], path, f"{field}[{index}]")
        return
    _check_plain(value, hint, origin, path, field)


def _check_plain(value: Any, hint: Any, origin: Any, path: str, field: str) -> None:
    if origin is collections.abc.Callable:
        if not callable(value):
            fail(path, f"field {_shown(field, value)} expects a `callable` (function or class instance)")
        return
    kind = origin or hint
    if kind is type(None):
        if value is not None:
            fail(path, f"field {_shown(field, value)} is not None")
        return
    # True is no number here.
    is_bool_for_number = isinstance(value, bool) and kind in (int, float)
    if isinstance(kind, type) and (not isinstance(value, kind) or is_bool_for_number):
        fail(path, f"field {_shown(field, value)} has invalid type `{type(value).__name__}` while `{kind.__name__}` is expected")


def _check_union(value: Any, members: Sequence[Any], path: str, field: str) -> None:
    if value is None and type(None) in members:
        return
    if Any in members:
        return
    errors: List[Any] = []
    for member in members:
        if member is type(None):
            continue
        try:
            return _check(value, member, path, field)
        except DictValidationException as error:
            errors.append(error)
    # What got furthest was probably meant.
    deepest = max(errors, key=lambda error: error.path.count("/"))
    if deepest.path != path or len(errors) == 1:
        raise deepest
    names = [getattr(member, "__name__", str(member)) for member in members if member is not type(None)]
    fail(path, f"field {_shown(field, value)} expects one of the following types: {names}: {deepest.msg}")


def _check_typed(
    value: Any, what: str, shapes: Dict[str, Any], base: Any, inner: str, path: str, field: str
) -> None:
    """A paginator or auth: the name of its type, its options by name, or an instance."""
    if value is None or isinstance(value, base):
        return
    known = list(shapes)
    if isinstance(value, str):
        if value not in shapes:
            fail(path, f"field `{field}`: there is no {what} `{value}`{meant(value, known)}")
        return
    if isinstance(value, collections.abc.Mapping):
        name = value.get("type", "bearer" if what == "auth" else None)
        if name is None:
            if what == "auth":
                name = "bearer"
            else:
                fail(inner, f"missing required fields `{{'type'}}`: name the type of the {what}: {', '.join(known)}")
        if name not in shapes:
            fail(inner, f"field `type`: there is no {what} `{name}`{meant(str(name), known)}")
        if shapes[name] is not None:
            # Names of types are checked; literals in the shapes know the built-in ones only.
            _check_fields({**value, "type": name}, shapes[name], inner)
        return
    if callable(value):
        # An instance of the user's that signs or pages in its own way.
        return
    fail(path, f"field `{field}` of type `{type(value).__name__}` is no {what}: give a name, a dict or an instance")


def register(what: str, name: str) -> None:
    """Makes a name of a paginator or auth known; its options are checked by its class."""
    shapes = _PAGINATOR_SHAPES if what == "paginator" else _AUTH_SHAPES
    shapes.setdefault(name, None)


def validate_config(config: Any) -> None:
    """Holds the configuration of a source against its type. Raises `DictValidationException`."""
    if not isinstance(config, collections.abc.Mapping):
        fail(".", f"the configuration is a `dict`, not a `{type(config).__name__}`")
    hints = _fields(types.RESTAPIConfig)
    resources = config.get("resources")
    if isinstance(resources, list):
        for index, entry in enumerate(resources):
            if not isinstance(entry, (str, collections.abc.Mapping, DltResource)):
                fail(
                    f"./resources[{index}]",
                    f"a resource is a name, a dict or a resource, not a `{type(entry).__name__}`",
                    WrongEntry,
                )
    top = {key: value for key, value in config.items() if key not in ("resources",)}
    _check_fields({**top, **({"resources": []} if "resources" in config else {})}, types.RESTAPIConfig, ".")
    if "resources" in config and not isinstance(resources, list):
        _check(resources, hints["resources"], ".", "resources")
    for index, entry in enumerate(resources or []):
        if isinstance(entry, collections.abc.Mapping):
            _check_entry(entry, f"./resources[{index}]")


def _check_entry(entry: Mapping[str, Any], path: str) -> None:
    _check_fields(entry, types.EndpointResource, path)
    endpoint = entry.get("endpoint")
    actions = endpoint.get("response_actions") if isinstance(endpoint, collections.abc.Mapping) else None
    for index, action in enumerate(actions or []):
        given = action.get("action") if isinstance(action, collections.abc.Mapping) else None
        if isinstance(given, str) and given != "ignore":
            # A typo must not change what is loaded.
            where = f"{path}/endpoint/response_actions[{index}]"
            fail(where, f"field `action={given}` is no action{meant(given, ['ignore'])}, or give a function")
    for index, steps in enumerate(entry.get("processing_steps") or []):
        check_steps(steps, f"{path}/processing_steps[{index}]")


def check_steps(steps: Mapping[str, Any], path: str) -> None:
    """Texts among steps are jq expressions, which the engine must understand."""
    from windlass.sources.rest_api.steps import check_expression

    for key, step in steps.items():
        if isinstance(step, str):
            wrong = check_expression(key, step)
            if wrong:
                fail(path, f"field `{key}` expects a `callable` (function or class instance) or a jq expression: {wrong}")

