"""APIs whose pages would be lost in silence: all rows come, or a warning says what may be missing."""

import json

import pytest
import requests as library
from test_rest_astray import Wire

from windlass.common import masking
from windlass.sources.helpers.rest_client import RESTClient, notices
from windlass.sources.helpers.rest_client.exceptions import EndlessPagination
from windlass.sources.helpers.rest_client.paginators import (
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)


@pytest.fixture(autouse=True)
def told(caplog):
    notices._told.clear()
    masking.logger()
    return caplog


def rows(answer, paginator=None):
    """The ids that a client reads."""
    session = library.Session()
    session.mount("http://", Wire(answer))
    client = RESTClient("http://127.0.0.1:18090", session=session, paginator=paginator, data_selector="data")
    return [row["id"] for page in client.paginate("things") for row in page]


def number(request, name):
    query = dict(pair.split("=") for pair in request.url.partition("?")[2].split("&") if pair)
    return int(query[name]) if name in query else None


def data(first, last, count, **more):
    return 200, {}, json.dumps({"data": [{"id": id} for id in range(first, min(last, count))], **more})


@pytest.mark.parametrize(("base", "says"), [(0, None), (1, None), (1, "page"), (1, "current_page"), (0, "page")])
def test_the_number_that_the_api_counts_from(base, says, told):
    def answer(request, _):
        page = max(number(request, "page") or base, base) - base
        more = {says: page + base} if says else {}
        return data(page * 20, page * 20 + 20, 57, total_pages=3, **more)

    assert rows(answer) == list(range(57))
    assert "probably" in told.text


def test_a_guess_that_is_not_heeded():
    with pytest.raises(EndlessPagination, match="all the same"):
        rows(lambda request, _: data(0, 20, 57, total_pages=3))


def test_a_first_page_that_comes_again(told):
    def answer(request, _):
        page = max(number(request, "page"), 1) - 1
        return data(page * 20, page * 20 + 20, 57, total=3)

    rows(answer, PageNumberPaginator())
    assert "base_page" in told.text


@pytest.mark.parametrize("paginator", [JSONLinkPaginator("links.nxt"), JSONResponseCursorPaginator("links.nxt")])
def test_paths_that_lead_nowhere(paginator, told):
    assert rows(lambda request, _: data(0, 2, 9, links={"next": "/b"}), paginator) == [0, 1]
    assert "is not in the first answer, which has `data`, `links`" in told.text


def test_an_end_that_is_said(told):
    assert rows(lambda request, _: data(0, 2, 9, next=None), JSONLinkPaginator()) == [0, 1]
    assert not told.text


@pytest.mark.parametrize("total", [157, None])
@pytest.mark.parametrize("most", [50, 100, 1000])
def test_an_offset_goes_on_by_what_the_server_gives(total, most, told):
    def answer(request, _):
        offset = number(request, "offset")
        more = {} if total is None else {"total": total}
        return data(offset, offset + (most if most > 100 else min(most, number(request, "limit"))), 157, **more)

    assert rows(answer, OffsetPaginator(100, total_path=None if total is None else "total")) == list(range(157))
    assert ("100 were asked for" in told.text) == (most == 50)


def test_a_total_that_denies_what_came(told):
    def answer(request, _):
        offset = number(request, "offset") if number(request, "page") is None else (number(request, "page") - 1) * 20
        return data(offset, offset + 20, 57, total=0)

    assert rows(answer, OffsetPaginator(20)) == list(range(57))
    assert rows(answer, PageNumberPaginator(base_page=1)) == list(range(57))
    assert "says that there is nothing" in told.text


@pytest.mark.parametrize(
    "form",
    ['<LINK>; rel="next last"', '<LINK>; REL="next"', "<LINK>; rel=NEXT", '<LINK>; title="a, b; c"; rel=next'],
)
def test_links_of_every_legal_form(form):
    def answer(request, _):
        page = number(request, "page") or 1
        status, headers, body = data(page, page + 1, 9)
        return status, {"Link": form.replace("LINK", f"/things?page={page + 1}")} if page < 3 else {}, body

    assert rows(answer) == [1, 2, 3]
    assert rows(answer, HeaderLinkPaginator()) == [1, 2, 3]


def test_an_empty_page_although_there_are_more(told):
    def answer(request, _):
        page = number(request, "page")
        return data((page - 1) * 20, page * 20, 57, total_pages=3) if page else data(0, 0, 0, total_pages=3)

    assert rows(answer, PageNumberPaginator(total_path="total_pages")) == []
    assert "base_page=1" in told.text


def test_an_offset_that_is_not_heeded(told):
    assert len(rows(lambda request, _: data(0, 20, 57, total=57), OffsetPaginator(limit=20))) == 60
    assert "does not heed" in told.text


def test_the_first_page_again_with_values_that_change():
    def answer(request, _):
        answer.asked += 1
        page = max(number(request, "page") or 1, 1) - 1
        records = [{"id": id, "served": answer.asked} for id in range(page * 20, min(page * 20 + 20, 57))]
        return 200, {}, json.dumps({"data": records, "total_pages": 3})

    answer.asked = 0
    assert rows(answer) == list(range(57))


@pytest.mark.parametrize(
    ("paginator", "headers", "is_told"),
    [
        (HeaderCursorPaginator("x-nextt", "c"), {"X-Next": "1"}, True),
        (HeaderLinkPaginator(), {"Link": '<http://127.0.0.1:18090/things?page=2>; rel="nxt"'}, True),
        (HeaderLinkPaginator(), {"Link": '<http://127.0.0.1:18090/things>; rel="first last"'}, False),
    ],
)
def test_headers_that_name_no_next_page(paginator, headers, is_told, told):
    rows(lambda request, _: (200, headers, json.dumps({"data": [{"id": 1}]})), paginator)
    assert ("is not in the first answer" in told.text) is is_told
