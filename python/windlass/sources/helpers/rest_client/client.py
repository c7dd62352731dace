"""A client for APIs that answer with JSON, page by page."""

import copy
from typing import Any, Dict, Generic, Iterable, Iterator, List, Optional, Set, TypeVar, Union

from windlass._native import native
from windlass.common import jsonpath
from windlass.common.masking import logger, masked
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.requests import trust
from windlass.sources.helpers.requests.retry import Client, runtime_setting
from windlass.sources.helpers.requests.session import masks_errors, without_secrets
from windlass.sources.helpers.rest_client.body import decode_once
from windlass.sources.helpers.rest_client.detector import PaginatorFactory, find_response_page_data
from windlass.sources.helpers.rest_client.exceptions import IgnoreResponseException
from windlass.sources.helpers.rest_client.notices import tell
from windlass.sources.helpers.rest_client.paginators import BasePaginator, check_last
from windlass.sources.helpers.rest_client.repeats import Repeats
from windlass.sources.helpers.rest_client.typing import Hooks, HTTPMethod, HTTPMethodBasic
from windlass.sources.helpers.rest_client.utils import is_absolute, join_url, sanitize_url

_T = TypeVar("_T")

AuthBase = requests.auth.AuthBase
Request = requests.Request
Response = requests.Response

#: Characters of an answer that an error shows.
_MAX_ERROR_BODY = 8192


_logger = logger


class PageData(List[_T], Generic[_T]):
    """The records of a page, and how they were got."""

    def __init__(
        self,
        __iterable: Iterable[_T],
        request: Request,
        response: Response,
        paginator: BasePaginator,
        auth: AuthBase,
    ):
        super().__init__(__iterable)
        self.request = request
        self.response = response
        self.paginator = paginator
        self.auth = auth


class RESTClient:
    """Asks an API, follows its pages and takes the records out of them."""

    def __init__(
        self,
        base_url: str,
        headers: Optional[Dict[str, str]] = None,
        auth: Optional[AuthBase] = None,
        paginator: Optional[BasePaginator] = None,
        data_selector: Optional[jsonpath.TJsonPath] = None,
        session: Optional[requests.Session] = None,
        paginator_factory: Optional[PaginatorFactory] = None,
        config: Any = None,
    ) -> None:
        self.base_url = base_url
        self.headers = headers
        self.auth = auth
        self._config = config
        self.session = _checked(session) if session is not None else Client(raise_for_status=False).session
        self.paginator = paginator
        self.pagination_factory = paginator_factory or PaginatorFactory()
        self.data_selector = data_selector
        self._told: Set[str] = set()
        #: Hosts besides that of `base_url` to which credentials, headers and bodies go where a link leads there: a name,
        #: `host:port` or scheme and host.
        self.send_credentials_to: List[str] = list(runtime_setting("send_credentials_to", list, []))

    # -- single requests

    def request(self, path: str = "", method: HTTPMethod = "GET", **kwargs: Any) -> Response:
        """Sends a request. Answers that are errors are given back, too."""
        options = {name: kwargs.pop(name) for name in _SEND_OPTIONS if name in kwargs}
        request = self._create_request(path=path, method=method, **kwargs)
        return self._send_request(request, request.url, **options)

    def get(self, path: str, params: Optional[Dict[str, Any]] = None, **kwargs: Any) -> Response:
        """Sends a GET request."""
        return self.request(path, method="GET", params=params, **kwargs)

    def post(
        self, path: str, json: Optional[Dict[str, Any]] = None, *, data: Optional[Any] = None, **kwargs: Any
    ) -> Response:
        """Sends a POST request."""
        return self.request(path, method="POST", json=json, data=data, **kwargs)

    def _create_request(
        self,
        path: str,
        method: HTTPMethod,
        headers: Optional[Dict[str, Any]] = None,
        params: Optional[Dict[str, Any]] = None,
        json: Optional[Dict[str, Any]] = None,
        data: Optional[Any] = None,
        auth: Optional[AuthBase] = None,
        hooks: Optional[Hooks] = None,
    ) -> Request:
        if json and data:
            raise ValueError(
                "Cannot use both 'json' and 'data' parameters simultaneously. Use 'json' for JSON payloads or 'data' for "
                "form-encoded/raw data."
            )
        return Request(
            method=method,
            url=path if is_absolute(path) else join_url(self.base_url, path),
            headers={**(self.headers or {}), **(headers or {})},
            params=params,
            json=json,
            data=data,
            auth=auth or self.auth,
            hooks=hooks,
        )

    def _send_request(
        self, request: Request, first_url: Optional[str], own_params: Any = None, **options: Any
    ) -> Response:
        """Sends a request. What is the caller's stays with the host of the first one, wherever links lead."""
        # What is sent decides, not what is written.
        url: Any = requests.Request("GET", request.url, params=request.params).prepare().url
        if self._is_trusted(url, first_url):
            prepared = self.session.prepare_request(request)
            if trust.origin(prepared.url) != trust.origin(url):
                raise requests.exceptions.InvalidURL("what signs the request changes the host that it goes to")
        else:
            prepared = trust.stranger(request, own_params)
        prepared.hooks["response"].insert(0, masks_errors)
        _logger().debug("%s %s", prepared.method, sanitize_url(prepared.url))
        settings = self.session.merge_environment_settings(
            prepared.url,
            options.pop("proxies", {}) or {},
            options.pop("stream", None),
            options.pop("verify", None),
            options.pop("cert", None),
        )
        token = trust.LISTED.set(list(self.send_credentials_to))
        try:
            return self.session.send(prepared, **{**settings, **options})
        except requests.exceptions.RequestException as raised:
            # A session of the user's names the URL.
            shown = without_secrets(raised)
            if shown is raised:
                raise
            raise shown from None
        finally:
            trust.LISTED.reset(token)

    def _is_trusted(self, url: str, first_url: Optional[str]) -> bool:
        there = trust.origin(url)
        known = (trust.origin(trust.prepared_url(one)) for one in (first_url, self.base_url) if one)
        homes: List[Optional[trust.Origin]] = [home for home in known if home is not None]
        return any(trust.may_follow(home, there, self.send_credentials_to) for home in homes or [None])

    # -- pages

    def paginate(
        self,
        path: str = "",
        method: HTTPMethodBasic = "GET",
        params: Optional[Dict[str, Any]] = None,
        json: Optional[Dict[str, Any]] = None,
        auth: Optional[AuthBase] = None,
        paginator: Optional[BasePaginator] = None,
        data_selector: Optional[jsonpath.TJsonPath] = None,
        hooks: Optional[Hooks] = None,
        headers: Optional[Dict[str, Any]] = None,
        *,
        data: Optional[Any] = None,
        **kwargs: Any,
    ) -> Iterator[PageData[Any]]:
        """The pages of an endpoint; a request is sent when its page is asked for."""
        paginator = paginator if paginator is not None else copy.deepcopy(self.paginator)
        selector = data_selector or self.data_selector
        auth = auth or self.auth
        hooks = dict(hooks or {})
        if "response" not in hooks:
            hooks["response"] = [self._raise_for_status]
        own_params = copy.copy(params)
        # Paginators write into these; they are the caller's.
        request = self._create_request(
            path, method, headers, copy.copy(params), copy.deepcopy(json), copy.copy(data), auth, hooks
        )
        # Where the URL comes from a record, it does not say whom the credentials are for.
        first_url = kwargs.pop("credentials_for", request.url)
        if paginator is not None:
            paginator.init_request(request)
        repeats = Repeats()
        count = 0
        while True:
            try:
                response = self._send_request(request, first_url, own_params, **kwargs)
            except IgnoreResponseException:
                return
            decode_once(response)
            if not selector:
                selector = self.detect_data_selector(response)
            records = self.extract_response(response, selector)
            if paginator is None:
                paginator = self.detect_paginator(response, records)
                repeats.is_guessed = True
            repeats.note(request, response, records)
            paginator.update_state(response, records)
            if repeats.is_first_again(paginator, response, records):
                records = []
            count += len(records)
            # What a record says is about the record.
            if not paginator.has_next_page and records != [response.json()]:
                check_last(paginator, response, count)
            paginator.update_request(request)
            yield PageData(records, request, response, paginator, auth)  # type: ignore[arg-type]
            if not paginator.has_next_page:
                return

    def extract_response(self, response: Response, data_selector: jsonpath.TJsonPath) -> List[Any]:
        """The records of an answer."""
        found: Any = jsonpath.find_values(data_selector, response.json())
        if not found and not isinstance(response.json(), list):
            tell(
                response,
                "unmatched",
                f"the selector `{data_selector}` finds nothing in the answer, which is taken for empty; `data_selector` says where "
                "the records are",
            )
        if len(found) == 1:
            found = found[0]
        if found is None:
            tell(response, "null", f"the answer has null where the selector `{data_selector}` leads")
            return []
        return found if isinstance(found, list) else [found]

    def detect_data_selector(self, response: Response) -> str:
        """Where the records of an answer are."""
        path, _ = find_response_page_data(response.json())
        return ".".join(path)

    def detect_paginator(self, response: Response, data: Any) -> BasePaginator:
        """How an API pages, from its first answer."""
        paginator, score = self.pagination_factory.create_paginator(response)
        kind = type(paginator).__name__
        if score == 0.0 and isinstance(data, list):
            tell(response, "guessed", "no paginator was found: it is taken for one page; give one if there are more")
        elif score not in (0.0, 1.0):
            tell(response, "guessed", f"the pages are found by {kind}, probably: verify it, or give the paginator")
        elif kind not in self._told:
            self._told.add(kind)
            _logger().info("the pages of %s are found by %s", sanitize_url(response.url), kind)
        return paginator

    def _raise_for_status(self, response: Response, *args: Any, **kwargs: Any) -> None:
        shows_body = _setting(self._config, "http_show_error_body", bool, False)
        length = _setting(self._config, "http_max_error_body_length", int, _MAX_ERROR_BODY)
        _raise_for_status(response, shows_body, length)


#: What `requests` takes when it sends.
_SEND_OPTIONS = ("stream", "verify", "proxies", "cert", "timeout", "allow_redirects")


def _setting(config: Any, name: str, kind: type, default: Any) -> Any:
    own = getattr(config, name, None)
    return runtime_setting(name, kind, default) if own is None else own


def _checked(session: requests.Session) -> requests.Session:
    trust.guarded(session)
    if getattr(session, "raise_for_status", False):
        _logger().warning(
            "the session raises for answers that are errors, so that response actions do not see them: make it by "
            "Client(raise_for_status=False).session"
        )
    return session


def _decode_reason(reason: Any) -> Any:
    if isinstance(reason, bytes):
        try:
            return reason.decode("utf-8")
        except UnicodeDecodeError:
            return reason.decode("iso-8859-1")
    return reason


def _raise_for_status(response: Response, show_error_body: bool, max_error_body_length: int) -> None:
    """Raises `HTTPError` for answers of status 400 and above, without the secrets of the URL."""
    if response.status_code < 400:
        return
    whose = "Client" if response.status_code < 500 else "Server"
    reason = _decode_reason(response.reason)
    text = f"{response.status_code} {whose} Error: {reason} for url: {sanitize_url(response.url)}"
    if show_error_body:
        text += f"\nResponse: {native().shown_body(response.text, max_error_body_length)}"
    raise requests.exceptions.HTTPError(masked(text), response=response)


def raise_for_status(response: Response, *args: Any, **kwargs: Any) -> None:
    """A hook that raises `HTTPError` for answers of status 400 and above, without the secrets of the URL."""
    shows_body: Union[bool, Any] = runtime_setting("http_show_error_body", bool, False)
    _raise_for_status(response, shows_body, runtime_setting("http_max_error_body_length", int, _MAX_ERROR_BODY))
