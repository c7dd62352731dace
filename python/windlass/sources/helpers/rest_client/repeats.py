"""Pages that never end are found by what comes again."""

import hashlib
from typing import Any, Dict, List, Optional, Tuple

from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.rest_client.exceptions import EndlessPagination
from windlass.sources.helpers.rest_client.paginators import OffsetPaginator, PageNumberPaginator, _tell
from windlass.sources.helpers.rest_client.utils import sanitize_url

#: Requests that are remembered.
_MAX_REQUESTS = 1 << 20

#: Answers to the very same request, the same byte for byte, after which it is an error: who waits for a job asks again
#: and again, but not for ever.
_MAX_IDENTICAL = 100

#: Bodies in a row, the same byte for byte, to requests that differ: an API may hold the same records twice.
_MAX_SAME_BODY = 1000


#: Pages that are held against the first one.
_COMPARED = 3


class Repeats:
    """Remembers what a chain of pages asked and got."""

    def __init__(self) -> None:
        self._asked: Dict[bytes, int] = {}
        self._last = b""
        self._same = 0
        #: Whether the paginator was found in the first answer.
        self.is_guessed = False
        self._first: Any = None
        self._compared = 0

    def is_first_again(self, paginator: Any, response: requests.Response, records: List[Any]) -> bool:
        """Whether a page that is counted is the first one again, and not to be given out twice.

        Raises `EndlessPagination` where a guessed paginator is not heeded at all.
        """
        if not records or self._compared >= _COMPARED:
            return False
        self._compared += 1
        if self._compared == 1:
            self._first = records
            return False
        ids = _ids_of(records)
        if self._first != records and (ids is None or ids != _ids_of(self._first)):
            return False
        if not isinstance(paginator, PageNumberPaginator):
            what = (
                "the parameter of the `offset` paginator, and other records are missing; correct its `offset_param`"
                if isinstance(paginator, OffsetPaginator)
                else "what asks for the next page, and other records are missing; check the paginator"
            )
            _tell(response, "base", f"a page has the records of the first one: the server does not heed {what}")
            return False
        if not self.is_guessed:
            _tell(
                response,
                "base",
                "a page has the records of the first one: the API may count its pages from another number, and the last page be "
                "missing; set `base_page` of the paginator, or the name of its parameter",
            )
            return False
        if not paginator.begin_at_one():
            raise EndlessPagination(
                f"the pages are all the same: {sanitize_url(response.url)} does not heed the parameter `page` of the guessed "
                "paginator: give the paginator that the API has"
            )
        return True

    def note(self, request: requests.Request, response: requests.Response, records: List[Any]) -> None:
        """Notes a page. Raises `EndlessPagination` if one comes again and again."""
        if len(self._asked) >= _MAX_REQUESTS:
            self._asked.clear()
        body = _digest(response.content)
        name = _digest(response.request.method, response.request.url, response.request.body, body)
        count = self._asked[name] = self._asked.get(name, 0) + 1
        self._same = self._same + 1 if records and body == self._last else 0
        self._last = body
        if count >= _MAX_IDENTICAL:
            what = f"gave the same answer to the same request {count} times"
        elif self._same >= _MAX_SAME_BODY:
            what = f"gave {self._same} times the same records, whatever page was asked for"
        else:
            return
        raise EndlessPagination(
            f"the pages never end: {sanitize_url(request.url)} {what}: check the paginator and where it finds the next page"
        )


#: Keys whose values tell records apart.
_ID_KEYS = ("id", "_id", "uuid", "guid", "uid")


def _ids_of(records: List[Any]) -> Optional[Tuple[str, List[Any]]]:
    """The ids of the records, and the key that they have them by; None unless all have one and no two the same.

    Other values may change from answer to answer.
    """
    for key in _ID_KEYS:
        ids = []
        for record in records:
            found = [id for name, id in record.items() if name.lower() == key] if isinstance(record, dict) else []
            if not found or not isinstance(found[0], (str, int, float)):
                break
            ids.append(found[0])
        if len(ids) == len(records) and len(set(ids)) == len(ids):
            return key, ids
    return None


def _digest(*parts: Any) -> bytes:
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()
