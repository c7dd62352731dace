"""What an API looks like from its first answer: where the records are, and how it pages."""

from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from windlass._native import native
from windlass.common.jsonpath import quoted_path
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.rest_client.exceptions import PaginatorNotFound
from windlass.sources.helpers.rest_client.notices import find_more
from windlass.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

Response = requests.Response

RECORD_KEY_PATTERNS = frozenset("data items results entries records rows entities payload content objects values".split())
NON_RECORD_KEY_PATTERNS = frozenset("meta metadata pagination links extras headers".split())
NEXT_PAGE_KEY_PATTERNS = frozenset(["next"])
NEXT_PAGE_DICT_KEY_PATTERNS = frozenset(["href", "url"])
TOTAL_PAGES_KEYS = frozenset(["total_pages", "pages", "totalpages"])

#: Keys between the body and a list of records, the list's own counted.
MAX_DEPTH = 3

Path = Tuple[str, ...]


def single_entity_path(path: str) -> bool:
    """Whether a path names one thing: its last part has a placeholder."""
    import re

    return re.search(r"\{[a-zA-Z0-9._-]+\}", path.rstrip("/").rpartition("/")[2]) is not None


def matches_any_pattern(key: str, patterns: Iterable[str]) -> bool:
    """Whether a key starts with one of these, whatever its case."""
    lower = key.lower()
    return any(lower.startswith(pattern) for pattern in patterns)


def find_all_lists(
    dict_: Dict[str, Any],
    path: Path = (),
    result: Optional[List[Tuple[Path, List[Any]]]] = None,
) -> List[Tuple[Path, List[Any]]]:
    """The lists below an object with their paths, in the order of the document; lists are not looked into."""
    found: List[Tuple[Path, List[Any]]] = [] if result is None else result
    if len(path) >= MAX_DEPTH:
        return found
    for key, value in dict_.items():
        if isinstance(value, list):
            found.append(((*path, key), value))
        elif isinstance(value, dict):
            find_all_lists(value, (*path, key), found)
    return found


def find_response_page_data(response: Any) -> Tuple[Path, Any]:
    """Where the records are, and what is there."""
    if not isinstance(response, dict):
        return ("$",), response
    lists = find_all_lists(response)
    if not lists:
        return ("$",), response
    return next((one for one in lists if one[0][-1] in RECORD_KEY_PATTERNS), lists[0])


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def find_next_page_path(response: Dict[str, Any], path: Path = ()) -> Tuple[Optional[Path], Any]:
    """Where something names the next page, and what is there."""
    if not isinstance(response, dict):
        return None, None
    for key, value in response.items():
        if matches_any_pattern(key, NEXT_PAGE_KEY_PATTERNS):
            if isinstance(value, dict):
                for inner, reference in value.items():
                    if matches_any_pattern(inner, NEXT_PAGE_DICT_KEY_PATTERNS) and _is_scalar(reference):
                        return (*path, key, inner), reference
            elif _is_scalar(value):
                return (*path, key), value
        if isinstance(value, dict):
            found, reference = find_next_page_path(value, (*path, key))
            if found:
                return found, reference
    return None, None


def find_total_pages_path(response: Dict[str, Any], path: Path = ()) -> Tuple[Optional[Path], Any]:
    """Where the number of pages is, and what is there."""
    if not isinstance(response, dict):
        return None, None
    for key, value in response.items():
        if key.lower() in TOTAL_PAGES_KEYS and _is_scalar(value):
            return (*path, key), value
        if isinstance(value, dict):
            found, total = find_total_pages_path(value, (*path, key))
            if found:
                return found, total
    return None, None


CURRENT_PAGE_KEYS = frozenset(["page", "current_page", "currentpage", "page_number", "pagenumber", "page_no", "pageno"])


def find_current_page_path(response: Dict[str, Any], path: Path = ()) -> Tuple[Optional[Path], Any]:
    """Where the number of the page is that an answer is, and what is there."""
    if not isinstance(response, dict):
        return None, None
    for key, value in response.items():
        if key.lower() in CURRENT_PAGE_KEYS and _is_scalar(value) and str(value).lstrip("-").isdigit():
            return (*path, key), value
        if isinstance(value, dict):
            found, page = find_current_page_path(value, (*path, key))
            if found:
                return found, page
    return None, None


Detected = Tuple[Optional[BasePaginator], Optional[float]]


def header_links_detector(response: Response) -> Tuple[Optional[HeaderLinkPaginator], Optional[float]]:
    """Pages by the header `Link`."""
    return (HeaderLinkPaginator(), 1.0) if native().link_target(response.headers.get("Link", ""), "next") else (None, None)


def json_links_detector(response: Response) -> Tuple[Optional[JSONLinkPaginator], Optional[float]]:
    """Pages by a URL in the body."""
    path, reference = find_next_page_path(response.json())
    if path and isinstance(reference, str) and reference.startswith(("http", "/")):
        return JSONLinkPaginator(".".join(path)), 1.0
    return None, None


def pages_number_paginator_detector(response: Response) -> Tuple[Optional[PageNumberPaginator], Optional[float]]:
    """Pages by their number, where the body says how many there are."""
    path, total = find_total_pages_path(response.json())
    if not path:
        return None, None
    try:
        int(total)
    except ValueError:
        return None, None
    current_path, current = find_current_page_path(response.json())
    base_page = 1 if current_path and str(current) == "1" else 0
    return PageNumberPaginator(base_page=base_page, total_path=quoted_path(path)), 0.5


def cursor_paginator_detector(response: Response) -> Tuple[Optional[JSONResponseCursorPaginator], Optional[float]]:
    """Pages by a cursor in the body."""
    path, _ = find_next_page_path(response.json())
    if not path:
        return None, None
    more, _ = find_more(response.json())
    # What is said within something else is about that.
    if more is None or path[: len(more) - 1] != more[:-1]:
        return JSONResponseCursorPaginator(".".join(path)), 0.5
    paginator = JSONResponseCursorPaginator(".".join(path), has_more_path=quoted_path(more))
    paginator._may_lack_has_more = True
    return paginator, 0.5


def single_page_detector(response: Response) -> Tuple[SinglePagePaginator, float]:
    """There is one page."""
    return SinglePagePaginator(), 0.0


class PaginatorFactory:
    """Asks detectors, the first that answers wins."""

    def __init__(self, detectors: Optional[List[Callable[[Response], Any]]] = None) -> None:
        self.detectors: List[Callable[[Response], Any]] = detectors or [
            header_links_detector,
            json_links_detector,
            pages_number_paginator_detector,
            cursor_paginator_detector,
            single_page_detector,
        ]

    def create_paginator(self, response: Response) -> Tuple[BasePaginator, float]:
        """The paginator for an API and how sure that is, between 0 and 1."""
        for detector in self.detectors:
            paginator, score = detector(response)
            if paginator:
                return paginator, score
        raise PaginatorNotFound(
            "no detector knows how this API pages: give a paginator, such as SinglePagePaginator()"
        )
