"""How the next page is asked for."""

from abc import ABC, abstractmethod
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urljoin, urlsplit

from windlass._native import native
from windlass.common import jsonpath
from windlass.common.configuration.coerce import _FALSE, _TRUE
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.rest_client.notices import check_end
from windlass.sources.helpers.rest_client.notices import tell as _tell

Request = requests.Request
Response = requests.Response


def _tell_absent(response: Response, option: str, path: Any) -> None:
    shape = _shape(response.json())
    _tell(
        response,
        f"absent {path}",
        f"`{path}` is not in the first answer, which has {shape}, so that it is taken for the only page: correct `{option}` if "
        "there are more",
    )


def _tell_absent_header(response: Response, option: str, header: str, has: str) -> None:
    _tell(
        response,
        f"absent {header}",
        f"{header} is not in the first answer{has}, so that the answer is taken for the only page: correct `{option}` if there "
        "are more",
    )


class BasePaginator(ABC):
    """Knows from an answer whether there is a next page, and writes it into the request."""

    def __init__(self) -> None:
        self._has_next_page = True

    @property
    def has_next_page(self) -> bool:
        """Whether there is a next page. True before the first request."""
        return self._has_next_page

    def init_request(self, request: Request) -> None:  # noqa: B027 (most paginators have nothing to do here)
        """Changes the first request."""

    @abstractmethod
    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        """Takes from an answer what the next request needs."""

    @abstractmethod
    def update_request(self, request: Request) -> None:
        """Makes the request that of the next page."""

    def __str__(self) -> str:
        return f"{type(self).__name__} at {id(self):x}"


def _params(request: Request) -> Dict[str, Any]:
    if request.params is None:
        request.params = {}
    return request.params


def _set_in_body(request: Request, path: str, value: Any) -> None:
    if request.json is None:
        request.json = {}
    jsonpath.set_value_at_path(request.json, path, value)


def _has_more(path: jsonpath.JSONPath, response: Response, name: str) -> bool:
    """What a body says about further pages."""
    body = response.json()
    values = jsonpath.find_values(path, body)
    value = values[0] if values else None
    if value is None:
        raise ValueError(
            f"Has more value not found in the response in `{name}`. Expected a response with a `{path}` key, got {_shape(body)}."
        )
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise ValueError(f"'{path}' is not a `bool` in the response in `{name}`. Expected a boolean, got a value of type `{type(value).__name__}`")


def _shape(body: Any) -> str:
    """What an answer is, without what it holds: values may be secrets."""
    if not isinstance(body, dict):
        return f"a {type(body).__name__}"
    return ", ".join(f"`{name}`" for name in list(body)[:10]) or "no members"


def _optional_path(path: Any) -> Optional[jsonpath.JSONPath]:
    return jsonpath.compile_path(path) if path else None


def _one_place(param: Optional[str], body_path: Optional[str], default: str, names: str) -> Optional[str]:
    """The parameter, where neither it nor a place in the body is given; only one of them may be."""
    first, second = f"{names}_param", f"{names}_body_path"
    if param is None and body_path is None:
        return default
    if bool(param) == bool(body_path):
        raise ValueError(f"Either '{first}' or '{second}' must be provided, not both.")
    return param


class SinglePagePaginator(BasePaginator):
    """There is one page."""

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        self._has_next_page = False

    def update_request(self, request: Request) -> None:
        """Nothing changes."""


class RangePaginator(BasePaginator):
    """Pages by a number that grows."""

    def __init__(
        self,
        param_name: Optional[str],
        initial_value: int,
        value_step: int,
        base_index: int = 0,
        maximum_value: Optional[int] = None,
        total_path: Optional[jsonpath.TJsonPath] = None,
        error_message_items: str = "items",
        stop_after_empty_page: Optional[bool] = True,
        *,
        has_more_path: Optional[jsonpath.TJsonPath] = None,
        param_body_path: Optional[str] = None,
    ) -> None:
        super().__init__()
        if bool(param_name) == bool(param_body_path):
            raise ValueError("Either 'param_name' or 'param_body_path' must be provided, not both.")
        self.param_name = param_name
        self.param_body_path = param_body_path
        self.initial_value = initial_value
        self.current_value = initial_value
        self.value_step = value_step
        self.base_index = base_index
        self.maximum_value = maximum_value
        self.total_path = _optional_path(total_path)
        self.error_message_items = error_message_items
        self.stop_after_empty_page = stop_after_empty_page
        self.has_more_path = _optional_path(has_more_path)

        self._step = value_step
        self._end: Optional[int] = None
        self._is_first = True
        #: What is to be told of a short page if the one behind it has records.
        self._short: Optional[str] = None

    def init_request(self, request: Request) -> None:
        self._has_next_page = True
        self.current_value = self.initial_value
        self._step = self.value_step
        self._is_first = True
        self._short = None
        self.update_request(request)

    def _page_size(self) -> Optional[int]:
        """Records that are asked for, where that is what the number counts."""
        return None

    def _check_total(self, response: Response, records: int, end: Optional[int]) -> Tuple[bool, Optional[int]]:
        """Forgets a total that says that the page which was just read is not there; whether reading may go on."""
        if end is None or not records or end > self.current_value:
            return True, end
        can_end = bool(self.stop_after_empty_page or self.maximum_value is not None or self.has_more_path is not None)
        size = self._page_size()
        if size is not None and records < size:
            return False, end
        what = (
            "it is not heeded, and pages are read up to an empty one; correct `total_path`, or set it to None"
            if can_end
            else "only what was read so far is loaded; correct `total_path`"
        )
        _tell(
            response,
            "total",
            f"the number of {self.error_message_items} at `{self.total_path}` says that there is nothing, and yet a page has "
            f"records: {what}",
        )
        return can_end, None

    def _check_size(self, response: Response, records: int, end: Optional[int]) -> None:
        """Lets the next page begin behind the records that came."""
        size, was_first = self._page_size(), self._is_first
        self._is_first = False
        if size is None or not records:
            return
        if self._short is not None:
            _tell(response, "size", self._short)
            self._short = None
        says_more = end is not None and self.current_value + records < end
        if was_first and records != size:
            self._step = records
            told = (
                f"a page has {records} records, though {size} were asked for: offsets go on by what the server gives; set "
                "`limit` to what it allows"
            )
        elif records < self._step:
            told = (
                f"a page has {records} records, though {size} were asked for and there are more: records may be missing if the "
                "server counts only what it gives; set `limit` to what it always gives"
            )
        else:
            return
        if says_more:
            _tell(response, "size", told)
        elif end is None:
            # It may be the last one.
            self._short = told

    def _check_empty(self, response: Response) -> None:
        """Looks at a page without records, at which reading ends: the body may say that it is not the last one."""
        said = None
        try:
            if self.total_path is not None:
                total = self._total(response)
                if total + self.base_index > self.current_value:
                    said = f"there are {total} {self.error_message_items} (`{self.total_path}`)"
            if said is None and self.has_more_path is not None:
                if _has_more(self.has_more_path, response, type(self).__name__):
                    said = f"there is more (`{self.has_more_path}`)"
        except ValueError:
            return
        if said is None:
            return
        counts_from_one = self._page_size() is None and self.current_value == 0
        remedy = "the API may count its pages from 1: set `base_page=1`, or " if counts_from_one else "set "
        _tell(
            response,
            "empty",
            f"a page has no records, and reading ends there, though the answer says that {said}: {remedy}"
            "`stop_after_empty_page=False` to read on",
        )

    def begin_at_one(self) -> bool:
        """Goes on as one whose first page has the number 1; whether that can be."""
        if self._page_size() is not None or self.base_index or self.initial_value or self.current_value != 2:
            return False
        self.base_index = 1
        self._end = None if self._end is None else self._end + 1
        is_behind = self._end is not None and self.current_value >= self._end
        self._has_next_page = not is_behind and not self._is_at_maximum()
        return True

    def _is_at_maximum(self) -> bool:
        return self.maximum_value is not None and self.current_value >= self.maximum_value

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        if self.stop_after_empty_page and not data:
            self._check_empty(response)
            self._has_next_page = False
            return
        records = len(data or [])
        total = self._total(response) if self.total_path is not None else None
        end = None if total is None else total + self.base_index
        goes_on, self._end = self._check_total(response, records, end)
        self._check_size(response, records, self._end)
        self.current_value += self._step
        if not goes_on or self._end is not None and self.current_value >= self._end:
            self._has_next_page = False
        if self._is_at_maximum():
            self._has_next_page = False
        if self.has_more_path is not None:
            has_more = _has_more(self.has_more_path, response, type(self).__name__)
            self._has_next_page = self._has_next_page and has_more

    def _total(self, response: Response) -> int:
        body = response.json()
        values = jsonpath.find_values(self.total_path, body)  # type: ignore[arg-type]
        total: Any = values[0] if values else None
        if total is None:
            self._handle_missing_total(body)
        try:
            return int(total)
        except (TypeError, ValueError):
            raise ValueError(
                f"'{self.total_path}' is not an `int` in the response in `{type(self).__name__}`. Expected an integer, "
                f"got a value of type `{type(total).__name__}`"
            ) from None

    def _handle_missing_total(self, response_json: Any) -> None:
        raise ValueError(
            f"Total `{self.error_message_items}` not found in the response in `{type(self).__name__}` .Expected a response "
            f"with a `{self.total_path}` key, got {_shape(response_json)}."
        )

    def update_request(self, request: Request) -> None:
        if self.param_body_path:
            self._update_request_with_body_path(request, self.param_body_path, self.current_value)
        elif self.param_name:
            self._update_request_with_param_name(request, self.param_name, self.current_value)

    @staticmethod
    def _update_request_with_param_name(request: Request, param_name: str, current_value: int) -> None:
        _params(request)[param_name] = current_value

    @staticmethod
    def _update_request_with_body_path(request: Request, body_path: str, current_value: int) -> None:
        _set_in_body(request, body_path, current_value)

    def _stop_conditions(self) -> str:
        shown = f"maximum_value: {self.maximum_value} has_more_path: {self.has_more_path}"
        return f"total_path: {self.total_path} {shown}"


def _check_end(total_path: Any, maximum: Any, has_more_path: Any, stop_after_empty_page: Any, name: str) -> None:
    if total_path is None and maximum is None and has_more_path is None and not stop_after_empty_page:
        raise ValueError(
            f"One of `total_path`, `{name}`, `has_more_path`, or `stop_after_empty_page` must be provided."
        )


class PageNumberPaginator(RangePaginator):
    """Pages by their number."""

    def __init__(
        self,
        base_page: int = 0,
        page: int = None,  # type: ignore[assignment] # noqa: RUF013 (the reference's signature)
        page_param: Optional[str] = None,
        total_path: Optional[jsonpath.TJsonPath] = "total",
        maximum_page: Optional[int] = None,
        stop_after_empty_page: Optional[bool] = True,
        *,
        has_more_path: Optional[jsonpath.TJsonPath] = None,
        page_body_path: Optional[str] = None,
    ) -> None:
        _check_end(total_path, maximum_page, has_more_path, stop_after_empty_page, "maximum_page")
        super().__init__(
            param_name=_one_place(page_param, page_body_path, "page", "page"),
            param_body_path=page_body_path,
            initial_value=base_page if page is None else page,
            value_step=1,
            base_index=base_page,
            maximum_value=maximum_page,
            total_path=total_path,
            error_message_items="pages",
            stop_after_empty_page=stop_after_empty_page,
            has_more_path=has_more_path,
        )

    def __str__(self) -> str:
        place = f"page_param: {self.param_name}" if self.param_name else f"page_body_path: {self.param_body_path}"
        return f"{super().__str__()}: current page: {self.current_value} {place} {self._stop_conditions()}"


class OffsetPaginator(RangePaginator):
    """Pages by the number of records before them."""

    def __init__(
        self,
        limit: int,
        offset: int = 0,
        offset_param: Optional[str] = None,
        limit_param: Optional[str] = None,
        total_path: Optional[jsonpath.TJsonPath] = "total",
        maximum_offset: Optional[int] = None,
        stop_after_empty_page: Optional[bool] = True,
        *,
        has_more_path: Optional[jsonpath.TJsonPath] = None,
        offset_body_path: Optional[str] = None,
        limit_body_path: Optional[str] = None,
    ) -> None:
        _check_end(total_path, maximum_offset, has_more_path, stop_after_empty_page, "maximum_offset")
        super().__init__(
            param_name=_one_place(offset_param, offset_body_path, "offset", "offset"),
            param_body_path=offset_body_path,
            initial_value=offset,
            value_step=limit,
            maximum_value=maximum_offset,
            total_path=total_path,
            stop_after_empty_page=stop_after_empty_page,
            has_more_path=has_more_path,
        )
        self.limit_param = _one_place(limit_param, limit_body_path, "limit", "limit")
        self.limit_body_path = limit_body_path
        self.limit = limit

    def _page_size(self) -> Optional[int]:
        return self.limit

    def update_request(self, request: Request) -> None:
        super().update_request(request)
        if self.limit_body_path:
            self._update_request_with_body_path(request, self.limit_body_path, self.limit)
        elif self.limit_param:
            self._update_request_with_param_name(request, self.limit_param, self.limit)

    def __str__(self) -> str:
        place = f"offset_param: {self.param_name}" if self.param_name else f"offset_body_path: {self.param_body_path}"
        size = f"limit: {self.value_step} "
        size += f"limit_param: {self.limit_param}" if self.limit_param else f"limit_body_path: {self.limit_body_path}"
        return f"{super().__str__()}: current offset: {self.current_value} {place} {size} {self._stop_conditions()}"


class BaseReferencePaginator(BasePaginator):
    """Pages by what the answer before says of them."""

    def __init__(self) -> None:
        super().__init__()
        self.__next_reference: Optional[str] = None
        self._is_begun = False

    def init_request(self, request: Request) -> None:
        self._is_begun = False

    def _is_first_absent(self, values: List[Any], data: Optional[List[Any]]) -> bool:
        """Whether the first answer has records and nothing where the next page should be named."""
        is_first, self._is_begun = not self._is_begun, True
        return is_first and not values and bool(data)

    @property
    def _next_reference(self) -> Optional[str]:
        """What names the next page."""
        return self.__next_reference

    @_next_reference.setter
    def _next_reference(self, value: Optional[str]) -> None:
        self.__next_reference = value
        self._has_next_page = value is not None


class BaseNextUrlPaginator(BaseReferencePaginator):
    """Pages by their URL."""

    def update_request(self, request: Request) -> None:
        reference = self._next_reference
        if reference is None:
            return
        if reference and isinstance(reference, str) and not urlsplit(reference).scheme:
            reference = urljoin(request.url, reference)
        request.url = reference
        # The link says all that there is to say.
        request.params = None


class HeaderLinkPaginator(BaseNextUrlPaginator):
    """Pages by the header `Link`."""

    def __init__(self, links_next_key: str = "next") -> None:
        super().__init__()
        self.links_next_key = links_next_key

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        header = response.headers.get("Link", "")
        self._next_reference = native().link_target(header, self.links_next_key)
        others = native().unknown_link_relations(header, self.links_next_key)
        if others and self._is_first_absent([], data):
            _tell_absent_header(
                response,
                "links_next_key",
                f'a link with rel="{self.links_next_key}"',
                f", whose header Link has {', '.join(others)}",
            )

    def __str__(self) -> str:
        return f"{super().__str__()}: links_next_key: {self.links_next_key}"


class JSONLinkPaginator(BaseNextUrlPaginator):
    """Pages by a URL in the body."""

    def __init__(self, next_url_path: jsonpath.TJsonPath = "next"):
        super().__init__()
        self.next_url_path = jsonpath.compile_path(next_url_path)

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        values = jsonpath.find_values(self.next_url_path, response.json())
        if self._is_first_absent(values, data):
            _tell_absent(response, "next_url_path", self.next_url_path)
        self._next_reference = values[0] if values else None

    def __str__(self) -> str:
        return f"{super().__str__()}: next_url_path: {self.next_url_path}"


class JSONResponsePaginator(JSONLinkPaginator):
    """The old name of `JSONLinkPaginator`."""

    def __init__(self, next_url_path: jsonpath.TJsonPath = "next") -> None:
        import warnings

        warnings.warn(
            "JSONResponsePaginator is deprecated: use JSONLinkPaginator", DeprecationWarning, stacklevel=2
        )
        super().__init__(next_url_path)


class JSONResponseCursorPaginator(BaseReferencePaginator):
    """Pages by a cursor in the body."""

    def __init__(
        self,
        cursor_path: jsonpath.TJsonPath = "cursors.next",
        cursor_param: Optional[str] = None,
        cursor_body_path: Optional[str] = None,
        *,
        stop_after_empty_page: bool = False,
        has_more_path: Optional[jsonpath.TJsonPath] = None,
    ):
        super().__init__()
        if cursor_param and cursor_body_path:
            raise ValueError("Either 'cursor_param' or 'cursor_body_path' must be provided, not both.")
        self.cursor_path = jsonpath.compile_path(cursor_path)
        self.cursor_param = cursor_param or (None if cursor_body_path else "cursor")
        self.cursor_body_path = cursor_body_path
        self.stop_after_empty_page = stop_after_empty_page
        self.has_more_path = _optional_path(has_more_path)
        #: Whether an answer may leave out what is at `has_more_path`, which was guessed.
        self._may_lack_has_more = False

    def _lacks_has_more(self, response: Response) -> bool:
        values = jsonpath.find_values(self.has_more_path, response.json()) if self.has_more_path else []
        return self._may_lack_has_more and (not values or values[0] is None)

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        values = jsonpath.find_values(self.cursor_path, response.json())
        if self._is_first_absent(values, data):
            _tell_absent(response, "cursor_path", self.cursor_path)
        self._next_reference = values[0] if values and values[0] else None
        if self.stop_after_empty_page and not data:
            self._has_next_page = False
        elif self.has_more_path is not None and not self._lacks_has_more(response):
            has_more = _has_more(self.has_more_path, response, type(self).__name__)
            self._has_next_page = self._has_next_page and has_more

    def update_request(self, request: Request) -> None:
        if self._next_reference is None:
            return
        if self.cursor_body_path:
            _set_in_body(request, self.cursor_body_path, self._next_reference)
        else:
            _params(request)[self.cursor_param] = self._next_reference  # type: ignore[index]

    def __str__(self) -> str:
        place = f"cursor_param: {self.cursor_param}" if self.cursor_param else f"cursor_body_path: {self.cursor_body_path}"
        return f"{super().__str__()}: cursor_path: {self.cursor_path} {place}"


class HeaderCursorPaginator(BaseReferencePaginator):
    """Pages by a cursor in a header."""

    def __init__(self, cursor_key: str = "next", cursor_param: str = "cursor") -> None:
        super().__init__()
        self.cursor_key = cursor_key
        self.cursor_param = cursor_param

    def update_state(self, response: Response, data: Optional[List[Any]] = None) -> None:
        self._next_reference = response.headers.get(self.cursor_key)
        if self._is_first_absent([] if self._next_reference is None else [self._next_reference], data):
            _tell_absent_header(response, "cursor_key", f"the header `{self.cursor_key}`", "")

    def update_request(self, request: Request) -> None:
        if self._next_reference is not None:
            _params(request)[self.cursor_param] = self._next_reference

    def __str__(self) -> str:
        return f"{super().__str__()}: cursor_value: {self._next_reference} cursor_param: {self.cursor_param}"


def check_last(paginator: BasePaginator, response: Response, count: int) -> None:
    """Looks at the answer at which a paginator ends, after so many records: it may say that there are more.

    What ends by the user's will is not told of: one page, a maximum, a class of the user's.
    """
    if type(paginator).__module__ != __name__ or isinstance(paginator, SinglePagePaginator):
        return
    heeds_total = False
    if isinstance(paginator, RangePaginator):
        if paginator._is_at_maximum():
            return
        # A range need not begin with the first record.
        heeds_total = paginator.total_path is not None or paginator.initial_value != paginator.base_index
    check_end(response, count, getattr(paginator, "has_more_path", None) is not None, heeds_total)
