"""Pages of an API that would be lost in silence: the warnings of the run, and of its log, tell of them."""

import json

import pytest
import requests as library
from test_rest_astray import Wire
from test_rest_pages import data, number, rows, told

from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from windlass.sources.rest_api import rest_api_source

assert told  # A fixture.


def source(answer, name="things", **endpoint):
    session = library.Session()
    session.mount("http://", Wire(answer))
    client = {"base_url": "http://127.0.0.1:18090", "session": session}
    return rest_api_source({"client": client, "resources": [{"name": name, "endpoint": {"path": name, **endpoint}}]})


def short_in_the_middle(request, _):
    offset = number(request, "offset")
    return data(offset, offset + (10 if offset == 20 else 20), 57)


KINDS = {
    "a selector that finds nothing": (
        lambda request, _: data(0, 20, 57),
        {"data_selector": "dta", "paginator": "single_page"},
        "the selector `dta` finds nothing",
    ),
    "a guess of one page": (lambda request, _: data(0, 20, 57), {}, "no paginator was found"),
    "a guess of pages": (lambda request, _: data(0, 20, 57, total_pages=1), {}, "PageNumberPaginator, probably"),
    "a short page": (
        short_in_the_middle,
        {"paginator": {"type": "offset", "limit": 20, "total_path": None}},
        "records may be missing",
    ),
    "a path that is absent": (
        lambda request, _: data(0, 20, 57),
        {"paginator": {"type": "cursor", "cursor_path": "nxt"}},
        "is not in the first answer",
    ),
    "an end that is none": (
        lambda request, _: data(0, 20, 57, next=None, has_more=True),
        {"paginator": {"type": "json_link"}},
        "there is more (`has_more`)",
    ),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_run_warns_of_pages_that_may_be_lost(kind, pipeline, caplog):
    answer, endpoint, expected = KINDS[kind]
    for _ in range(2):
        caplog.clear()
        info = pipeline.run(source(answer, **endpoint))
        assert [expected in warning for warning in info.warnings].count(True) == 1, info.warnings
        assert caplog.text.count(expected) == 1


def test_a_warning_comes_once_for_all_records_of_a_parent(pipeline):
    def answer(request, _):
        return 200, {}, json.dumps({"data": [{"id": id} for id in range(20)]})

    session = library.Session()
    session.mount("http://", Wire(answer))
    child = {"name": "child", "endpoint": {"path": "p/{resources.parent.id}/c", "data_selector": "dta"}}
    config = {
        "client": {"base_url": "http://127.0.0.1:18090", "session": session, "paginator": "single_page"},
        "resources": ["parent", child],
    }
    assert len(pipeline.run(rest_api_source(config)).warnings) == 1


@pytest.mark.parametrize("cursor", [0, None, "absent"])
@pytest.mark.parametrize("more", ["has_more", "hasNext", "more", "morePages", "has-next-page"])
def test_a_cursor_ends_although_there_is_more(cursor, more, told):
    says = {"meta": {more: True, **({} if cursor == "absent" else {"next": cursor})}}
    rows(lambda request, _: data(0, 20, 57, **says), JSONResponseCursorPaginator("meta.next"))
    assert f"there is more (`meta.{more}`)" in told.text


@pytest.mark.parametrize(
    ("paginator", "says", "is_told"),
    [
        (JSONLinkPaginator(), {"next": None, "total": 57}, True),
        (JSONLinkPaginator(), {"next": None, "meta": {"totalCount": 57}}, True),
        (JSONLinkPaginator(), {"next": None, "total": 20}, False),
        (JSONLinkPaginator(), {"next": None, "total": 57, "has_more": False}, False),
        (JSONLinkPaginator(), {"next": None, "facets": {"total": 57}}, False),
        (HeaderLinkPaginator(), {"more": True}, True),
        (PageNumberPaginator(total_path="pages"), {"pages": 1, "has_next": True}, True),
        (PageNumberPaginator(total_path=None, maximum_page=1), {"has_next": True}, False),
        (SinglePagePaginator(), {"has_more": True, "total": 57}, False),
    ],
)
def test_an_end_is_told_where_the_answer_denies_it(paginator, says, is_told, told):
    assert len(rows(lambda request, _: data(0, 20, 57, **says), paginator)) == 20
    assert ("reading ends at a page" in told.text) is is_told


def test_an_empty_page_although_there_is_more(told):
    def answer(request, _):
        page = number(request, "page")
        return data(0, 0 if page else 20, 57, has_more=True)

    assert len(rows(answer, PageNumberPaginator(total_path=None))) == 20
    assert "there is more (`has_more`)" in told.text


def test_what_a_record_says_is_no_page(told):
    session = library.Session()
    session.mount("http://", Wire(lambda request, _: (200, {}, json.dumps({"id": 1, "more": True, "total": 9, "next": None}))))
    client = RESTClient("http://127.0.0.1:18090", session=session, paginator=JSONLinkPaginator())
    assert len(list(client.paginate("things"))) == 1
    assert "reading ends" not in told.text


def test_an_end_that_the_program_chose_is_not_told(told):
    class Once(BasePaginator):
        def update_state(self, response, data=None):
            self._has_next_page = False

        def update_request(self, request):
            pass

    rows(lambda request, _: data(0, 20, 57, has_more=True), Once())
    assert "reading ends" not in told.text


@pytest.mark.parametrize(("last", "is_told"), [(40, False), (57, True)])
def test_a_short_page_is_told_where_another_comes_behind_it(last, is_told, told):
    def answer(request, _):
        offset = number(request, "offset")
        return data(offset, offset + (10 if offset == 20 else 20), 30 if last == 40 else last)

    rows(answer, OffsetPaginator(20, total_path=None))
    assert ("a page has 10 records, though 20 were asked for" in told.text) is is_told


@pytest.mark.parametrize(("more", "last"), [("has_more", False), ("hasNext", False), ("has_more", None)])
def test_a_guessed_cursor_ends_where_the_api_says_that_there_is_no_more(more, last):
    def answer(request, _):
        start = number(request, "cursor") or 0
        is_last = start + 20 >= 57
        meta = {"next_cursor": None if is_last and last is None else start + 20}
        if not is_last:
            meta[more] = True
        elif last is not None:
            meta[more] = last
        # The cursor of the last page leads to the last record again.
        return data(min(start, 56), start + 20, 57, meta=meta)

    session = library.Session()
    session.mount("http://", Wire(answer))
    client = RESTClient("http://127.0.0.1:18090", session=session, data_selector="data")
    found = [row["id"] for _, page in zip(range(9), client.paginate("things")) for row in page]
    assert found == list(range(57))
