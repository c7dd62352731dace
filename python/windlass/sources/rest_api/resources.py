"""From a configuration to resources with their parents, in the order in which they are read."""

import copy
import graphlib
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from windlass.common.exceptions import ValueErrorWithKnownValues, choices
from windlass.extract.hints import ensure_columns
from windlass.extract.incremental import Incremental
from windlass.extract.resource import DltResource
from windlass.sources.helpers.rest_client.detector import single_entity_path
from windlass.sources.helpers.rest_client.paginators import SinglePagePaginator
from windlass.sources.rest_api import placeholders as place
from windlass.sources.rest_api.typing import Endpoint, EndpointResource, EndpointResourceBase, ResolvedParam
from windlass.sources.rest_api.validation import MissingKey, WrongKind

PARAM_TYPES = ["incremental", "resolve"]

Entry = Union[EndpointResource, DltResource]


def expand_and_index_resources(
    resource_list: List[Union[str, EndpointResource, DltResource]], resource_defaults: EndpointResourceBase
) -> Dict[str, Entry]:
    """The resources by name, the defaults and static parameters filled in."""
    found: Dict[str, Entry] = {}
    for given in resource_list:
        if isinstance(given, DltResource):
            found[given.name] = given
            continue
        resource = _with_defaults(_entry(given), resource_defaults)
        name = resource["name"]
        assert isinstance(name, str)
        if name in found:
            raise ValueError(f"Resource `{name}` is already defined.")
        resource["endpoint"] = _setup_single_entity_endpoint(resource["endpoint"])  # type: ignore[arg-type]
        endpoint: Any = resource["endpoint"]
        _check_params(endpoint.get("params") or {})
        _bind_path_params(resource)
        found[name] = resource
    return found


def _entry(given: Union[str, EndpointResource]) -> EndpointResource:
    """A resource with its endpoint as a dict that has a path."""
    if isinstance(given, str):
        return {"name": given, "endpoint": {"path": given}}
    resource: EndpointResource = dict(given)  # type: ignore[assignment]
    if "name" not in resource:
        raise MissingKey(msg="'name': a resource needs a name", path=".")
    name = resource["name"]
    if not isinstance(name, str):
        raise WrongKind(msg=f"Resource name must be a string, got {type(name)}", path=".")
    given_endpoint: Any = resource.get("endpoint")
    endpoint = {"path": given_endpoint} if isinstance(given_endpoint, str) else dict(given_endpoint or {})
    if endpoint.get("path") is None:
        endpoint["path"] = name
    resource["endpoint"] = endpoint  # type: ignore[typeddict-item]
    return resource


def _with_defaults(resource: EndpointResource, defaults: EndpointResourceBase) -> EndpointResource:
    merged: Dict[str, Any] = {**defaults, **resource}
    default_endpoint: Any = defaults.get("endpoint") or {}
    if not isinstance(default_endpoint, Mapping):
        raise WrongKind(
            msg="Path `./resource_defaults`: field `endpoint` must be a dict: a path is no default", path="./resource_defaults"
        )
    own: Any = resource["endpoint"]
    endpoint: Dict[str, Any] = {**default_endpoint, **own}
    for key in ("params", "json"):
        first, second = default_endpoint.get(key), own.get(key)
        if isinstance(first, Mapping) or isinstance(second, Mapping):
            # Each resource has its own: what one writes must not reach another.
            endpoint[key] = copy.copy({**(first or {}), **(second or {})})
    merged["endpoint"] = endpoint
    first, second = defaults.get("columns"), resource.get("columns")
    if _is_columns(first) and _is_columns(second):
        columns = {name: dict(hints) for name, hints in ensure_columns(first).items()}
        for name, hints in ensure_columns(second).items():
            columns[name] = {**columns.get(name, {}), **hints}
        merged["columns"] = columns
    return merged  # type: ignore[return-value]


def _is_columns(value: Any) -> bool:
    return isinstance(value, (list, dict)) and bool(value)


def _setup_single_entity_endpoint(endpoint: Endpoint) -> Endpoint:
    """An endpoint that is one thing has one page with one record."""
    if not single_entity_path(str(endpoint["path"])):
        return endpoint
    fresh: Endpoint = {**endpoint}
    if fresh.get("data_selector") is None:
        fresh["data_selector"] = "$"
    if fresh.get("paginator") is None:
        fresh["paginator"] = SinglePagePaginator()
    return fresh


def _check_params(params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        if isinstance(value, Mapping) and value.get("type") not in PARAM_TYPES:
            raise ValueErrorWithKnownValues(f"{name}['type']", value.get("type"), PARAM_TYPES)


def _bind_path_params(resource: EndpointResource) -> None:
    """Fills in the parameters of the path that are values; checks the others."""
    endpoint: Any = resource["endpoint"]
    name, path = resource["name"], str(endpoint["path"])
    params = dict(endpoint.get("params") or {})
    contexts = place.contexts_of(endpoint)
    resolves = [key for key, value in params.items() if isinstance(value, Mapping) and value.get("type") == "resolve"]
    bound: List[str] = []

    def replace(placeholder: str) -> Tuple[bool, str]:
        if not placeholder:
            return True, ""
        if placeholder.partition(".")[0] in contexts and "." in placeholder:
            return False, ""
        if placeholder in params:
            value = params[placeholder]
            bound.append(placeholder)
            if not isinstance(value, (Mapping, Incremental)):
                return True, str(value)
            if placeholder in resolves:
                return False, ""
            raise ValueError(
                f"The path `{path}` defined in resource `{name}` tries to bind param `{placeholder}` with type "
                "`incremental`. Paths can only bind 'resolve' type params."
            )
        if "." in placeholder:
            raise ValueError(
                f"The `path={path}` defined in resource `{name}` contains a placeholder `{placeholder}`. This placeholder "
                "is not a valid name. Valid names are: ['resources', 'incremental']."
            )
        raise ValueError(
            f"The path '{path}' defined in resource '{name}' requires a param named '{placeholder}', but it was not found "
            f"in 'endpoint.params': {params}"
        )

    endpoint["path"] = place.rewrite_path(path, replace)
    unbound = [key for key in resolves if key not in bound]
    if unbound:
        raise ValueError(
            f"Resource `{name}` defines resolve params `{unbound}` that are not bound in path `{path}`. To reference parent "
            "resource in query params use syntax 'resources.<parent_resource>.<field>'"
        )
    for key in bound:
        if key not in resolves:
            params.pop(key, None)
    if endpoint.get("params") is not None:
        endpoint["params"] = params


def find_resolved_params(endpoint: Endpoint) -> List[ResolvedParam]:
    """The fields of parents that the requests of an endpoint need."""
    expressions = place.find_expressions(endpoint.get("path"))
    contexts = place.contexts_of(endpoint)
    params = dict(endpoint.get("params") or {})
    found: List[ResolvedParam] = []
    for key, value in list(params.items()):
        if not isinstance(value, Mapping):
            continue
        if value.get("type") == "resolve":
            for needed in ("resource", "field"):
                if needed not in value:
                    raise MissingKey(msg=f"'{needed}': the param `{key}` needs it", path=".")
            found.append(ResolvedParam(key, value))  # type: ignore[arg-type]
        # Options of cursors are no texts of requests.
        del params[key]
    for where, content in (
        ("params", params),
        ("json", endpoint.get("json")),
        ("data", endpoint.get("data")),
        ("headers", endpoint.get("headers")),
    ):
        own = place.find_expressions(content)
        place.check_contexts(own, contexts, where)
        expressions += own
    return [*place.resolved_params(dict.fromkeys(expressions)), *found]


def build_resource_dependency_graph(
    resource_defaults: EndpointResourceBase, resource_list: List[Union[str, EndpointResource, DltResource]]
) -> Tuple[Any, Dict[str, Entry], Dict[str, Optional[List[ResolvedParam]]]]:
    """Which resources need which; all of them by name; and what they need."""
    graph: Any = graphlib.TopologicalSorter()
    resources = expand_and_index_resources(resource_list, resource_defaults)
    needed: Dict[str, Optional[List[ResolvedParam]]] = {}
    for name, resource in resources.items():
        if isinstance(resource, DltResource):
            graph.add(name)
            needed[name] = None
            continue
        found = find_resolved_params(resource["endpoint"])  # type: ignore[arg-type]
        parents = list(dict.fromkeys(one.resolve_config["resource"] for one in found))
        if len(parents) > 1:
            raise ValueError(f"Multiple parent resources for resource `{name}` with params `{found}`")
        for parent in parents:
            if parent not in resources:
                raise ValueError(
                    f"A dependent resource `{name}` refers to non existing parent resource `{parent}` on param `{found[0]}`: "
                    f"{choices(parent, [one for one in resources if one != name])}"
                )
        graph.add(name, *parents)
        needed[name] = found
    return graph, resources, needed
