"""What is to be told of the pages of an API: what was guessed, and where pages may be lost."""

from typing import Any, Dict, Optional, Set, Tuple

from windlass.common.masking import logger, masked, masked_url
from windlass.extract.context import EXTRACTION, PIPE
from windlass.sources.helpers._requests import requests

#: What was told outside of runs, where it comes once in a process.
_told: Set[Tuple[str, str]] = set()

#: Names of members that say whether there is more, in lower case and without `_` and `-`.
MORE_MEMBERS = frozenset(["hasmore", "hasnext", "hasnextpage", "more", "morepages"])

#: The same for how many records there are.
_TOTALS = frozenset(
    ["total", "totalcount", "totalitems", "totalrecords", "totalresults", "totalelements", "totalsize", "totalhits"]
)
#: Members of an answer, besides itself, whose total is that of all records.
_ENVELOPES = frozenset(["meta", "metadata", "pagination", "paging", "page", "pageinfo", "links"])


def tell(response: requests.Response, about: str, text: str) -> None:
    """Warns of something that is so for many answers: once for each resource of a run, and among the run's warnings."""
    where = masked_url(str(response.url).partition("?")[0])
    told = masked(f"{where}: {text}")
    extraction, pipe = EXTRACTION.get(), PIPE.get()
    if extraction is not None:
        key = (str(pipe.name) if pipe is not None else where, about)
        if key in extraction.notices:
            return
        extraction.notices[key] = told
    elif (about, where) in _told:
        return
    else:
        _told.add((about, where))
    logger().warning("%s", told)


def _plain(name: Any) -> str:
    return str(name).lower().replace("_", "").replace("-", "")


def find_more(body: Any, path: Tuple[str, ...] = ()) -> Tuple[Optional[Tuple[str, ...]], Any]:
    """Where an answer says whether there is more, and what it says; lists are not looked into."""
    for key, value in body.items() if isinstance(body, dict) else ():
        if isinstance(value, bool) and _plain(key) in MORE_MEMBERS:
            return (*path, key), value
        found, said = find_more(value, (*path, key))
        if found:
            return found, said
    return None, None


def find_total(body: Any) -> Tuple[Optional[str], int]:
    """Where an answer says how many records there are, and how many."""
    if not isinstance(body, dict):
        return None, 0
    places: Dict[str, Any] = {"": body}
    places.update({f"{key}.": value for key, value in body.items() if isinstance(value, dict) and _plain(key) in _ENVELOPES})
    for prefix, members in places.items():
        for key, value in members.items():
            if isinstance(value, int) and not isinstance(value, bool) and _plain(key) in _TOTALS:
                return f"{prefix}{key}", value
    return None, 0


def check_end(response: requests.Response, count: int, heeds_more: bool, heeds_total: bool) -> None:
    """Looks at the answer at which reading ends, after so many records: it may say that there are more."""
    body = response.json()
    more, says_more = (None, False) if heeds_more else find_more(body)
    total_path, total = (None, 0) if heeds_total else find_total(body)
    if more and says_more:
        said = f"there is more (`{'.'.join(more)}`)"
    elif total_path and total > count and not more:
        said = f"there are {total} (`{total_path}`), and {count} came"
    else:
        return
    tell(
        response,
        "end",
        f"reading ends at a page whose answer says that {said}: records may be missing; check the paginator, and where it finds "
        "the next page",
    )
