"""A source for any REST API, described by a configuration."""

import dataclasses
from typing import Any, Dict, List, Optional, Union

from windlass.common.configuration.specs import BaseConfiguration
from windlass.common.typing import CONFIG_VALUE
from windlass.extract.decorators import resource as make_resource
from windlass.extract.decorators import source as make_source
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.rest_api.config_setup import (
    build_resource_dependency_graph,
    create_auth,
    create_paginator,
    create_response_hooks,
    paginate_dependent_resource,
    paginate_resource,
    record_endpoint_input,
    register_auth,
    register_paginator,
    setup_incremental_object,
)
from windlass.sources.rest_api.steps import add_steps
from windlass.sources.rest_api.typing import (
    ClientConfig,
    Endpoint,
    EndpointResource,
    EndpointResourceBase,
    HTTPMethodBasic,
    IncrementalConfig,
    IncrementalParamConfig,
    ParamBindType,
    ProcessingSteps,
    ResolvedParam,
    ResolveParamConfig,
    RESTAPIConfig,
)
from windlass.sources.rest_api.utils import check_connection
from windlass.sources.rest_api.validation import MissingKey, fail, validate_config


@dataclasses.dataclass(repr=False)
class RestApiConfiguration(BaseConfiguration):
    """What the source `rest_api` takes from the settings."""

    client: Any = None
    resources: Any = None
    resource_defaults: Optional[Any] = None


def _read_settings(
    client: Any = CONFIG_VALUE, resources: Any = CONFIG_VALUE, resource_defaults: Optional[Dict[str, Any]] = None
) -> List[DltResource]:
    config: Dict[str, Any] = {"client": client, "resources": resources}
    if resource_defaults is not None:
        config["resource_defaults"] = resource_defaults
    return rest_api_resources(config)  # type: ignore[arg-type]


_read_settings.__name__ = "rest_api"
_read_settings.__qualname__ = "rest_api"

#: The source whose configuration comes from the settings, or from arguments.
rest_api: Any = make_source(_read_settings, name="rest_api", section="rest_api")


def rest_api_source(
    config: RESTAPIConfig,
    name: str = None,  # type: ignore[assignment] # noqa: RUF013 (the reference's signature)
    section: str = None,  # type: ignore[assignment] # noqa: RUF013
    max_table_nesting: int = None,  # type: ignore[assignment] # noqa: RUF013
    root_key: bool = None,  # type: ignore[assignment] # noqa: RUF013
    schema: Any = None,
    schema_contract: Any = None,
    parallelized: bool = False,
) -> DltSource:
    """A source over a REST API.

    `config` has `client` (base URL, auth, paginator), `resources` and, if wanted, `resource_defaults`. Raises
    `DictValidationException` for a configuration that is wrong, before anything is read.
    """
    validate_config(config)
    factory = rest_api.clone(
        name=name or (schema.name if schema is not None else None),
        section=section,
        max_table_nesting=max_table_nesting,
        root_key=root_key,
        schema=schema,
        schema_contract=schema_contract,
        parallelized=parallelized,
    )
    source: DltSource = factory(**config)
    return source


def rest_api_resources(config: RESTAPIConfig) -> List[DltResource]:
    """The resources of a configuration, parents before those that depend on them."""
    validate_config(config)
    client_config = config["client"]
    if "base_url" not in client_config:
        raise MissingKey(msg="'base_url': the client needs the URL below which the API is", path="./client")
    graph, entries, needed = build_resource_dependency_graph(
        config.get("resource_defaults") or {}, config["resources"]
    )
    return list(create_resources(client_config, graph, entries, needed).values())


def create_resources(
    client_config: ClientConfig,
    dependency_graph: Any,
    endpoint_resource_map: Dict[str, Union[EndpointResource, DltResource]],
    resolved_param_map: Dict[str, Optional[List[ResolvedParam]]],
) -> Dict[str, DltResource]:
    """Makes the resources in the order of their dependencies."""
    made: Dict[str, DltResource] = {}
    auth = create_auth(client_config.get("auth"))
    for name in dependency_graph.static_order():
        entry = endpoint_resource_map[name]
        if isinstance(entry, DltResource):
            made[name] = entry
            continue
        endpoint: Any = entry["endpoint"]
        client = RESTClient(
            base_url=client_config["base_url"],
            headers=client_config.get("headers"),
            # `None` is an answer, too: these requests are not signed.
            auth=create_auth(endpoint["auth"]) if "auth" in endpoint else auth,
            paginator=create_paginator(client_config.get("paginator")),
            session=client_config.get("session"),
        )
        resource = _create_resource(entry, endpoint, client, resolved_param_map[name] or [], made)
        record_endpoint_input(resource, client, endpoint["path"])
        made[name] = add_steps(resource, entry.get("processing_steps"))
    return made


_NOT_HINTS = ("endpoint", "include_from_parent", "processing_steps")


def _create_resource(
    entry: EndpointResource,
    endpoint: Endpoint,
    client: RESTClient,
    resolved_params: List[ResolvedParam],
    made: Dict[str, DltResource],
) -> DltResource:
    name = entry["name"]
    include_from_parent = entry.get("include_from_parent") or []
    if include_from_parent and not resolved_params:
        raise ValueError(f"Resource `{name}` has `include_from_parent` but is not dependent on another resource")
    hints: Dict[str, Any] = {
        key: value for key, value in entry.items() if key not in _NOT_HINTS and value is not None
    }
    if hints.get("parent_table_name") is not None:
        fail(
            f"./resources[{name}]",
            "`parent_table_name` cannot be set here: call apply_hints(parent_table_name=...) on the resource",
        )
    parallelized = bool(hints.pop("parallelized", False))
    params: Dict[str, Any] = dict(endpoint.get("params") or {})
    cursor, cursor_param, convert = setup_incremental_object(params, endpoint.get("incremental"))
    arguments: Dict[str, Any] = {
        "method": endpoint.get("method") or "GET",
        "path": endpoint["path"],
        "headers": endpoint.get("headers"),
        "params": {key: value for key, value in params.items() if not _is_resolved(value)},
        "json": endpoint.get("json"),
        "data": endpoint.get("data"),
        "paginator": create_paginator(endpoint.get("paginator")),
        "data_selector": endpoint.get("data_selector"),
        "hooks": create_response_hooks(endpoint.get("response_actions")),
        "client": client,
        "incremental_object": cursor,
        "incremental_param": cursor_param,
        "incremental_cursor_transform": convert,
    }
    if not resolved_params:
        made_root: DltResource = make_resource(paginate_resource, parallelized=parallelized, **hints)(**arguments)
        return made_root
    parent = made[resolved_params[0].resolve_config["resource"]]
    arguments.update(
        resolved_params=resolved_params, include_from_parent=include_from_parent, parallelized=parallelized
    )
    child: DltResource = make_resource(paginate_dependent_resource, data_from=parent, **hints)(**arguments)
    return child


def _is_resolved(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "resolve"


__all__ = [
    "ClientConfig",
    "Endpoint",
    "EndpointResource",
    "EndpointResourceBase",
    "HTTPMethodBasic",
    "IncrementalConfig",
    "IncrementalParamConfig",
    "ParamBindType",
    "ProcessingSteps",
    "RESTAPIConfig",
    "ResolveParamConfig",
    "ResolvedParam",
    "RestApiConfiguration",
    "check_connection",
    "create_resources",
    "register_auth",
    "register_paginator",
    "rest_api",
    "rest_api_resources",
    "rest_api_source",
]
