"""The resources of a configuration: what they ask for, page by page."""

from typing import Any, Callable, Dict, Generator, List, Mapping, NamedTuple, Optional, Tuple

from windlass.common import jsonpath
from windlass.extract.decorators import defer
from windlass.extract.incremental import Incremental
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.requests import trust
from windlass.sources.helpers.rest_client.client import RESTClient, raise_for_status
from windlass.sources.helpers.rest_client.exceptions import IgnoreResponseException
from windlass.sources.helpers.rest_client.paginators import BasePaginator
from windlass.sources.helpers.rest_client.typing import HTTPMethodBasic
from windlass.sources.helpers.rest_client.utils import is_absolute, sanitize_url
from windlass.sources.rest_api.placeholders import DirectKeyFormatter, expand_placeholders
from windlass.sources.rest_api.registry import (
    AUTH_MAP,
    PAGINATOR_MAP,
    create_auth,
    create_paginator,
    get_auth_class,
    get_paginator_class,
    own_paginator,
    register_auth,
    register_paginator,
)
from windlass.sources.rest_api.resources import (
    PARAM_TYPES,
    build_resource_dependency_graph,
    expand_and_index_resources,
)
from windlass.sources.rest_api.typing import IncrementalConfig, ResolvedParam, ResponseAction

Response = requests.Response

Convert = Callable[..., Any]


class IncrementalParam(NamedTuple):
    """The parameters that carry the range of a cursor."""

    start: Optional[str]
    end: Optional[str]


class ProcessedParentData(NamedTuple):
    """A request for one item of a parent."""

    path: str
    headers: Optional[Dict[str, Any]]
    params: Dict[str, Any]
    json: Optional[Dict[str, Any]]
    data: Optional[Any]
    parent_record: Dict[str, Any]


# -- cursors


def parse_convert_or_deprecated_transform(config: Any) -> Optional[Convert]:
    """The function that makes of the cursor what the server wants."""
    if config.get("transform") is not None:
        import warnings

        warnings.warn("`transform` of a cursor is deprecated: use `convert`", DeprecationWarning, stacklevel=2)
    return config.get("convert") or config.get("transform")


_NO_END = (
    "Only `start_param` and `initial_value` are allowed in the configuration of param: `{}`. To set `end_value` too use the "
    "incremental configuration at the resource level."
)
_NOT_OPTIONS = ("type", "convert", "transform", "start_param", "end_param")


def _cursor(config: Any) -> "Incremental[Any]":
    options = {key: value for key, value in config.items() if key not in _NOT_OPTIONS and value is not None}
    if options.get("cursor_path"):
        jsonpath.compile_path(options["cursor_path"])
    return Incremental(**options)


def setup_incremental_object(
    request_params: Dict[str, Any], incremental_config: Optional[IncrementalConfig] = None
) -> Tuple[Optional["Incremental[Any]"], Optional[IncrementalParam], Optional[Convert]]:
    """The cursor of an endpoint: of a parameter, or of its option `incremental`."""
    found = [
        name
        for name, value in request_params.items()
        if isinstance(value, Incremental) or (isinstance(value, Mapping) and value.get("type") == "incremental")
    ]
    if len(found) > 1:
        raise ValueError(f"Only a single incremental parameter is allower per endpoint. Found parameters: `{found}`")
    if found:
        name = found[0]
        value = request_params[name]
        if isinstance(value, Incremental):
            if value.end_value is not None:
                raise ValueError(_NO_END.format(name))
            return value, IncrementalParam(start=name, end=None), None
        if value.get("end_value") is not None or value.get("end_param") is not None:
            raise ValueError(_NO_END.format(name))
        convert = parse_convert_or_deprecated_transform(value)
        return _cursor(value), IncrementalParam(start=name, end=None), convert
    if incremental_config:
        param = IncrementalParam(incremental_config.get("start_param"), incremental_config.get("end_param"))
        return _cursor(incremental_config), param, parse_convert_or_deprecated_transform(incremental_config)
    return None, None, None


def convert_incremental_values(incremental: "Incremental[Any]", convert: Optional[Convert]) -> Dict[str, Any]:
    """The values of a cursor for placeholders, those that are there converted."""
    values = {
        "start_value": incremental.start_value,
        "initial_value": incremental.initial_value,
        "last_value": incremental.last_value,
        "end_value": incremental.end_value,
    }
    return {
        f"incremental.{name}": convert(value) if convert is not None and value is not None else value
        for name, value in values.items()
    }


def _set_incremental_params(
    params: Dict[str, Any],
    incremental_object: Optional["Incremental[Any]"],
    incremental_param: Optional[IncrementalParam],
    transform: Optional[Convert],
) -> Dict[str, Any]:
    """The parameters with the range of the cursor."""
    if incremental_object is None or incremental_param is None:
        return params
    convert = transform or (lambda value: value)
    if incremental_param.start:
        params[incremental_param.start] = convert(incremental_object.last_value)
    if incremental_param.end:
        params[incremental_param.end] = convert(incremental_object.end_value)
    return params


# -- answers


def create_response_hooks(response_actions: Optional[List[ResponseAction]]) -> Optional[Dict[str, Any]]:
    """Hooks for the actions of an endpoint, and one that raises for what remains."""
    if not response_actions:
        return None
    return {"response": [*(_action_hook(action) for action in response_actions), raise_for_status]}


def _action_hook(action: ResponseAction) -> Callable[..., None]:
    if callable(action):
        plain = action

        def call(response: Response, *args: Any, **kwargs: Any) -> None:
            plain(response, *args, **kwargs)

        return call
    given: Any = action

    def hook(response: Response, *args: Any, **kwargs: Any) -> None:
        wanted = given.get("action")
        if wanted is None:
            raise TypeError(f"the response action {given} lacks `action`: `ignore`, a function or a list of functions")
        status, content = given.get("status_code"), given.get("content")
        if not _matches(response, status, content):
            return
        if wanted == "ignore":
            # Without a condition all answers would be ignored.
            if status is not None or content is not None:
                raise IgnoreResponseException(f"{sanitize_url(response.url)} answered {response.status_code}: ignored")
            return
        for function in [wanted] if callable(wanted) else wanted if isinstance(wanted, list) else []:
            function(response, *args, **kwargs)

    return hook


def _matches(response: Response, status: Any, content: Any) -> bool:
    if status is not None and response.status_code != status:
        return False
    return content is None or content in response.text


# -- pages


def paginate_resource(
    method: HTTPMethodBasic,
    path: str,
    headers: Optional[Dict[str, Any]],
    params: Dict[str, Any],
    json: Optional[Dict[str, Any]],
    data: Optional[Any],
    paginator: Optional[BasePaginator],
    data_selector: Optional[jsonpath.TJsonPath],
    hooks: Optional[Dict[str, Any]],
    client: RESTClient,
    incremental_object: Optional["Incremental[Any]"],
    incremental_param: Optional[IncrementalParam],
    incremental_cursor_transform: Optional[Convert],
) -> Generator[Any, None, None]:
    """The pages of a resource without a parent."""
    values: Dict[str, Any] = {}
    if incremental_object is not None:
        values = convert_incremental_values(incremental_object, incremental_cursor_transform)
    own_params = _texts_of(params, values)
    yield from client.paginate(
        method=method,
        path=expand_placeholders(path, values),
        headers=expand_placeholders(headers, values),
        params=_set_incremental_params(
            own_params, incremental_object, incremental_param, incremental_cursor_transform
        ),
        json=expand_placeholders(json, values, preserve_value_type=True),
        data=expand_placeholders(data, values),
        paginator=own_paginator(paginator),
        data_selector=data_selector,
        hooks=hooks,
    )


def _texts_of(params: Optional[Mapping[str, Any]], values: Dict[str, Any]) -> Dict[str, Any]:
    """The parameters with their placeholders filled in; descriptions of cursors keep their place and nothing else."""
    plain = {
        key: None if isinstance(value, (Incremental, Mapping)) and not _is_plain(value) else value
        for key, value in (params or {}).items()
    }
    return expand_placeholders(plain, values)  # type: ignore[no-any-return]


def _is_plain(value: Any) -> bool:
    return isinstance(value, Mapping) and "type" not in value


def _named_host(path: str, client: RESTClient) -> str:
    """The URL whose host the credentials are for: the host of a URL in a record is anybody's."""
    start = path.partition("{")[0]
    return start if is_absolute(start) and trust.origin(trust.prepared_url(start)) else client.base_url


def paginate_dependent_resource(
    items: List[Dict[str, Any]],
    method: HTTPMethodBasic,
    path: str,
    headers: Optional[Dict[str, Any]],
    params: Dict[str, Any],
    json: Optional[Dict[str, Any]],
    data: Optional[Any],
    paginator: Optional[BasePaginator],
    data_selector: Optional[jsonpath.TJsonPath],
    hooks: Optional[Dict[str, Any]],
    client: RESTClient,
    resolved_params: List[ResolvedParam],
    include_from_parent: List[str],
    incremental_object: Optional["Incremental[Any]"],
    incremental_param: Optional[IncrementalParam],
    incremental_cursor_transform: Optional[Convert],
    parallelized: bool = False,
) -> Generator[Any, None, None]:
    """The pages of a resource for each item of its parent."""
    # As in the reference, the cursor moves from page to page of the parent, not within one.
    range_params = _set_incremental_params(
        {}, incremental_object, incremental_param, incremental_cursor_transform
    )

    def pages_of(item: Dict[str, Any]) -> Generator[Any, None, None]:
        wanted = process_parent_data_item(
            path=path,
            item=item,
            resolved_params=resolved_params,
            headers=headers,
            params=params,
            request_json=json,
            request_data=data,
            include_from_parent=include_from_parent,
            incremental=incremental_object,
            incremental_value_convert=incremental_cursor_transform,
        )
        for page in client.paginate(
            method=method,
            path=wanted.path,
            headers=wanted.headers,
            params={**wanted.params, **range_params},
            json=wanted.json,
            data=wanted.data,
            paginator=own_paginator(paginator),
            data_selector=data_selector,
            hooks=hooks,
            credentials_for=_named_host(path, client),
        ):
            if wanted.parent_record:
                for record in page:
                    if not isinstance(record, dict):
                        raise TypeError(
                            f"include_from_parent adds fields to records, but `{wanted.path}` gave one of type "
                            f"`{type(record).__name__}`"
                        )
                    record.update(wanted.parent_record)
            yield page

    @defer
    def all_pages_of(item: Dict[str, Any]) -> List[Any]:
        return [record for page in pages_of(item) for record in page]

    # A parent may yield its items one by one.
    for item in [items] if isinstance(items, dict) else items:
        if parallelized:
            yield all_pages_of(item)
        else:
            yield from pages_of(item)


# -- parents


def collect_resolved_values(
    item: Dict[str, Any],
    resolved_params: List[ResolvedParam],
    incremental: Optional["Incremental[Any]"],
    incremental_value_convert: Optional[Convert],
) -> Dict[str, Any]:
    """The values of the placeholders for one item of a parent."""
    if not resolved_params:
        raise ValueError("Resolved params are required to process parent data item")
    values: Dict[str, Any] = {}
    for param in resolved_params:
        found = jsonpath.find_values(param.field_path, item)
        if not found:
            config = param.resolve_config
            fields = ", ".join(item) if isinstance(item, dict) else type(item).__name__
            raise ValueError(
                f"Resource expects a field `{config['field']}` to be present in the incoming data from resource "
                f"`{config['resource']}` in order to bind it to path param: `{param.param_name}`. Available parent fields "
                f"are: {fields}"
            )
        values[param.param_name] = found[0]
    if incremental is not None:
        values.update(convert_incremental_values(incremental, incremental_value_convert))
    return values


def make_parent_key_name(resource_name: str, field_name: str) -> str:
    """The name of a parent's field in the records of a child."""
    return f"_{resource_name}_{field_name}"


def build_parent_record(
    item: Dict[str, Any], parent_resource_name: str, include_from_parent: Optional[List[str]]
) -> Dict[str, Any]:
    """The fields of a parent that its children get."""
    record = {}
    for name in include_from_parent or []:
        if name not in item:
            raise ValueError(
                f"Resource expects a field `{name}` to be present in the incoming data from resource "
                f"`{parent_resource_name}` in order to include it in child records under `{make_parent_key_name(parent_resource_name, name)}`. "
                f"Available parent fields are: {', '.join(item)}"
            )
        record[make_parent_key_name(parent_resource_name, name)] = item[name]
    return record


def process_parent_data_item(
    path: str,
    item: Dict[str, Any],
    resolved_params: List[ResolvedParam],
    headers: Optional[Dict[str, Any]] = None,
    params: Optional[Dict[str, Any]] = None,
    request_json: Optional[Dict[str, Any]] = None,
    request_data: Optional[Any] = None,
    include_from_parent: Optional[List[str]] = None,
    incremental: Optional["Incremental[Any]"] = None,
    incremental_value_convert: Optional[Convert] = None,
) -> ProcessedParentData:
    """The request for one item of a parent."""
    values = collect_resolved_values(item, resolved_params, incremental, incremental_value_convert)
    parent = resolved_params[0].resolve_config["resource"]
    return ProcessedParentData(
        path=expand_placeholders(path, values),
        headers=expand_placeholders(headers, values),
        params=_texts_of(params, values),
        json=expand_placeholders(request_json, values, preserve_value_type=True),
        data=expand_placeholders(request_data, values),
        parent_record=build_parent_record(item, parent, include_from_parent),
    )


def record_endpoint_input(resource: Any, client: RESTClient, path: str) -> None:
    """Notes for the trace where a resource reads."""
    resource.add_input(
        {
            "kind": "rest_api",
            "resource_name": resource.name,
            "location": sanitize_url(client.base_url),
            "endpoints": [path],
        }
    )


__all__ = [
    "AUTH_MAP",
    "PAGINATOR_MAP",
    "PARAM_TYPES",
    "DirectKeyFormatter",
    "IncrementalParam",
    "ProcessedParentData",
    "build_parent_record",
    "build_resource_dependency_graph",
    "collect_resolved_values",
    "convert_incremental_values",
    "create_auth",
    "create_paginator",
    "create_response_hooks",
    "expand_and_index_resources",
    "expand_placeholders",
    "get_auth_class",
    "get_paginator_class",
    "make_parent_key_name",
    "paginate_dependent_resource",
    "paginate_resource",
    "parse_convert_or_deprecated_transform",
    "process_parent_data_item",
    "record_endpoint_input",
    "register_auth",
    "register_paginator",
    "setup_incremental_object",
]
