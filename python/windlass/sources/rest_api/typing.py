"""The configuration of a REST API source."""

import dataclasses
from typing import Any, Callable, Dict, List, Literal, Optional, Sequence, TypedDict, Union

from windlass.common import jsonpath
from windlass.extract.incremental import Incremental
from windlass.extract.resource import DltResource
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
    TApiKeyLocation,
)
from windlass.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from windlass.sources.helpers.rest_client.typing import HTTPMethodBasic

Session = requests.Session

PaginatorType = Literal[
    "json_link",
    "json_response",
    "header_link",
    "header_cursor",
    "auto",
    "single_page",
    "cursor",
    "offset",
    "page_number",
]
AuthType = Literal["bearer", "api_key", "http_basic", "oauth2_client_credentials"]


class PaginatorTypeConfig(TypedDict, total=True):
    """A paginator by the name of its type."""

    type: PaginatorType  # noqa: A003


class PageNumberPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by their number."""

    base_page: Optional[int]
    page: Optional[int]
    page_param: Optional[str]
    page_body_path: Optional[str]
    total_path: Optional[jsonpath.TJsonPath]
    maximum_page: Optional[int]
    stop_after_empty_page: Optional[bool]
    has_more_path: Optional[jsonpath.TJsonPath]


class OffsetPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by the number of records before them."""

    limit: int
    offset: Optional[int]
    offset_param: Optional[str]
    offset_body_path: Optional[str]
    limit_param: Optional[str]
    limit_body_path: Optional[str]
    total_path: Optional[jsonpath.TJsonPath]
    maximum_offset: Optional[int]
    stop_after_empty_page: Optional[bool]
    has_more_path: Optional[jsonpath.TJsonPath]


class HeaderLinkPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by the header `Link`."""

    links_next_key: Optional[str]


class HeaderCursorPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by a cursor in a header."""

    cursor_key: Optional[str]
    cursor_param: Optional[str]


class JSONLinkPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by a URL in the body."""

    next_url_path: Optional[jsonpath.TJsonPath]


class JSONResponseCursorPaginatorConfig(PaginatorTypeConfig, total=False):
    """Pages by a cursor in the body."""

    cursor_path: Optional[jsonpath.TJsonPath]
    cursor_param: Optional[str]
    cursor_body_path: Optional[str]
    stop_after_empty_page: Optional[bool]
    has_more_path: Optional[jsonpath.TJsonPath]


PaginatorConfig = Union[
    PaginatorType,
    PageNumberPaginatorConfig,
    OffsetPaginatorConfig,
    HeaderLinkPaginatorConfig,
    HeaderCursorPaginatorConfig,
    JSONLinkPaginatorConfig,
    JSONResponseCursorPaginatorConfig,
    BasePaginator,
    SinglePagePaginator,
    HeaderLinkPaginator,
    HeaderCursorPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
]


class BearerTokenAuthConfig(TypedDict, total=False):
    """A token; what is meant where no type is named."""

    type: Optional[AuthType]  # noqa: A003
    token: str


class AuthTypeConfig(TypedDict, total=True):
    """Auth by the name of its type."""

    type: AuthType  # noqa: A003


class ApiKeyAuthConfig(AuthTypeConfig, total=False):
    """A key in a header, the query or a cookie."""

    name: Optional[str]
    api_key: str
    location: Optional[TApiKeyLocation]


class HttpBasicAuthConfig(AuthTypeConfig, total=True):
    """A user name and a password."""

    username: str
    password: str


class OAuth2ClientCredentialsConfig(AuthTypeConfig, total=False):
    """The flow of client credentials."""

    access_token: Optional[str]
    access_token_url: str
    client_id: str
    client_secret: str
    access_token_request_data: Optional[Dict[str, Any]]
    default_token_expiration: Optional[int]
    session: Optional[Session]


AuthConfig = Union[
    AuthConfigBase,
    AuthType,
    BearerTokenAuth,
    BearerTokenAuthConfig,
    APIKeyAuth,
    ApiKeyAuthConfig,
    HttpBasicAuth,
    HttpBasicAuthConfig,
    OAuth2ClientCredentials,
    OAuth2ClientCredentialsConfig,
]


class ClientConfig(TypedDict, total=False):
    """What all requests share."""

    base_url: str
    headers: Optional[Dict[str, Any]]
    auth: Optional[AuthConfig]
    paginator: Optional[PaginatorConfig]
    session: Optional[Session]


class IncrementalRESTArgs(TypedDict, total=False):
    """A cursor."""

    cursor_path: str
    initial_value: Optional[Any]
    last_value_func: Optional[Union[Callable[..., Any], Literal["min", "max"]]]
    primary_key: Any
    end_value: Optional[Any]
    row_order: Optional[Literal["asc", "desc"]]
    allow_external_schedulers: Optional[bool]
    on_cursor_value_missing: Optional[Literal["raise", "include", "exclude"]]
    lag: Optional[Union[float, int]]
    range_start: Optional[Literal["open", "closed"]]
    range_end: Optional[Literal["open", "closed"]]
    convert: Optional[Callable[..., Any]]


ParamBindType = Literal["resolve", "incremental"]


class ParamBindConfig(TypedDict):
    """A parameter whose value is found at run time."""

    type: ParamBindType  # noqa: A003


class ResolveParamConfig(ParamBindConfig):
    """A parameter of the path that is a field of a parent."""

    resource: str
    field: str


class IncrementalParamConfig(ParamBindConfig, IncrementalRESTArgs):
    """A parameter that is the place of the cursor."""


class IncrementalConfig(IncrementalRESTArgs, total=False):
    """The cursor of an endpoint."""

    start_param: Optional[str]
    end_param: Optional[str]


@dataclasses.dataclass
class ResolvedParam:
    """A field of a parent that a request needs."""

    param_name: str
    resolve_config: ResolveParamConfig
    field_path: jsonpath.JSONPath = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.field_path = jsonpath.compile_path(self.resolve_config["field"])


class ResponseActionDict(TypedDict, total=False):
    """What is done with an answer."""

    status_code: Optional[Union[int, str]]
    content: Optional[str]
    action: Optional[Union[str, Callable[..., Any], List[Callable[..., Any]]]]


ResponseAction = Union[ResponseActionDict, Callable[..., Any]]


class Endpoint(TypedDict, total=False):
    """Requests and what is done with their answers."""

    path: Optional[str]
    method: Optional[HTTPMethodBasic]
    params: Optional[Dict[str, Union[ResolveParamConfig, IncrementalParamConfig, Incremental[Any], Any]]]
    json: Optional[Dict[str, Any]]
    data: Optional[Any]
    headers: Optional[Dict[str, Any]]
    paginator: Optional[PaginatorConfig]
    data_selector: Optional[jsonpath.TJsonPath]
    response_actions: Optional[List[ResponseAction]]
    incremental: Optional[IncrementalConfig]
    auth: Optional[AuthConfig]


class ProcessingSteps(TypedDict, total=False):
    """What is done with records: functions, or jq expressions as texts."""

    filter: Optional[Union[Callable[..., Any], str]]  # noqa: A003
    map: Optional[Union[Callable[..., Any], str]]  # noqa: A003
    yield_map: Optional[Union[Callable[..., Any], str]]


class ResourceBase(TypedDict, total=False):
    """Hints of a resource."""

    table_name: Optional[Union[str, Callable[..., Any]]]
    max_table_nesting: Optional[int]
    write_disposition: Optional[
        Union[Literal["skip", "append", "replace", "merge"], Dict[str, Any], Callable[..., Any]]
    ]
    parent_table_name: Optional[Union[str, Callable[..., Any]]]
    columns: Optional[Any]
    primary_key: Optional[Union[str, Sequence[str], Callable[..., Any]]]
    merge_key: Optional[Union[str, Sequence[str], Callable[..., Any]]]
    schema_contract: Optional[Union[str, Dict[str, Any], Callable[..., Any]]]
    table_format: Optional[Union[str, Callable[..., Any]]]
    file_format: Optional[Union[str, Callable[..., Any]]]
    references: Optional[Any]
    nested_hints: Optional[Any]
    selected: Optional[bool]
    parallelized: Optional[bool]
    processing_steps: Optional[List[ProcessingSteps]]


class EndpointResourceBase(ResourceBase, total=False):
    """A resource without its name."""

    endpoint: Optional[Union[str, Endpoint]]
    include_from_parent: Optional[List[str]]


class EndpointResource(EndpointResourceBase, total=False):
    """A resource."""

    name: Union[str, Callable[..., Any]]


class RESTAPIConfigBase(TypedDict):
    """A source."""

    client: ClientConfig
    resources: List[Union[str, EndpointResource, DltResource]]


class RESTAPIConfig(RESTAPIConfigBase, total=False):
    """A source with defaults."""

    resource_defaults: Optional[EndpointResourceBase]
