"""The signatures of the REST helpers, as the reference has them.

Run under dlt, it writes `rest_signatures.json`: `python rest_signatures.py > rest_signatures.json`.
"""

import importlib
import inspect
import json

#: Classes and functions by module, below the package.
NAMES = {
    "sources.helpers.rest_client": ["RESTClient", "paginate", "PageData"],
    "sources.helpers.rest_client.client": ["RESTClient", "PageData", "raise_for_status"],
    "sources.helpers.rest_client.paginators": [
        "BasePaginator",
        "SinglePagePaginator",
        "RangePaginator",
        "PageNumberPaginator",
        "OffsetPaginator",
        "BaseReferencePaginator",
        "BaseNextUrlPaginator",
        "HeaderLinkPaginator",
        "HeaderCursorPaginator",
        "JSONLinkPaginator",
        "JSONResponsePaginator",
        "JSONResponseCursorPaginator",
    ],
    "sources.helpers.rest_client.auth": [
        "AuthConfigBase",
        "BearerTokenAuth",
        "APIKeyAuth",
        "HttpBasicAuth",
        "OAuth2AuthBase",
        "OAuth2ClientCredentials",
        "OAuthJWTAuth",
    ],
    "sources.helpers.rest_client.detector": [
        "PaginatorFactory",
        "single_entity_path",
        "matches_any_pattern",
        "find_all_lists",
        "find_response_page_data",
        "find_next_page_path",
        "find_total_pages_path",
        "header_links_detector",
        "json_links_detector",
        "pages_number_paginator_detector",
        "cursor_paginator_detector",
        "single_page_detector",
    ],
    "sources.helpers.rest_client.utils": ["join_url"],
    "sources.helpers.requests": ["Client", "Session", "init"],
    "sources.rest_api": [
        "rest_api_source",
        "rest_api_resources",
        "create_resources",
        "check_connection",
        "RestApiConfiguration",
    ],
    "sources.rest_api.config_setup": [
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
    ],
    "common.jsonpath": [
        "compile_path",
        "compile_paths",
        "extract_simple_field_name",
        "find_values",
        "is_simple_field_path",
        "set_value_at_path",
    ],
}

#: Methods that users call or override.
METHODS = (
    "request get post paginate extract_response detect_data_selector detect_paginator create_paginator init_request update_state "
    "update_request __call__ parse_native_representation is_token_expired obtain_token build_access_token_request "
    "parse_expiration_in_seconds parse_access_token create_jwt_payload load_private_key configure update_from_config"
).split()


def parameters(function):
    """Names, kinds and defaults."""
    found = []
    for parameter in inspect.signature(function).parameters.values():
        default = parameter.default
        if default is parameter.empty:
            default = "required"
        elif repr(default).startswith("ConfigValue"):
            default = "injected"
        elif isinstance(default, (list, tuple)):
            default = [getattr(item, "__name__", item) for item in default]
        elif not isinstance(default, (str, int, float, bool, type(None))):
            default = type(default).__name__
        found.append([parameter.name, parameter.kind.name, default])
    return found


def signatures(package):
    """The signatures of all names, below a package."""
    found = {}
    for module, names in NAMES.items():
        loaded = importlib.import_module(f"{package}.{module}")
        for name in names:
            value = getattr(loaded, name)
            found[f"{module}.{name}"] = parameters(value)
            if inspect.isclass(value) and not hasattr(value, "_fields"):
                for method in METHODS:
                    own = getattr(value, method, None)
                    if inspect.isfunction(own):
                        found[f"{module}.{name}.{method}"] = parameters(own)
    return found


if __name__ == "__main__":
    print(json.dumps(signatures("dlt"), indent=1))
