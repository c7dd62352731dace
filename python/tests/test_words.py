"""Words that are wrong: the error lists all that there are, the nearest first, and says where."""

import pytest

import windlass as dlt
from windlass.common.exceptions import choices
from windlass.sources.rest_api import rest_api_source
from windlass.sources.sql_database import sql_table

URL = "http://127.0.0.1:1/"


def rest(client=None, endpoint=None, **resource):
    entry = {"name": "i", "endpoint": {"path": "i", **(endpoint or {})}, **resource}
    return rest_api_source({"client": {"base_url": URL, **(client or {})}, "resources": [entry]})


def run(pipeline, **options):
    return pipeline.run([{"a": 1}], table_name="t", **options)


def hinted(pipeline, **hints):
    return pipeline.run(dlt.resource([{"a": 1}], name="t", **hints))


DISPOSITIONS = ["append", "replace", "merge", "skip"]
FORMATS = ["parquet", "jsonl", "csv"]
MODES = ["drop_sources", "drop_resources", "drop_data"]
WORDS = {
    "disposition": (lambda p: run(p, write_disposition="apend"), DISPOSITIONS),
    "disposition of a hint": (lambda p: hinted(p, write_disposition="mrege"), ["merge", "append", "replace", "skip"]),
    "disposition of a dict": (
        lambda p: run(p, write_disposition={"disposition": "mrge"}),
        ["merge", "append", "replace", "skip"],
    ),
    "option of a disposition": (
        lambda p: run(p, write_disposition={"disposition": "merge", "strategi": "scd2"}),
        ["strategy", "disposition", "deduplicated"],
    ),
    "disposition of an item": (
        lambda p: hinted(p, table_name=lambda item: "u", write_disposition=lambda item: "replce"),
        ["replace", "append", "merge", "skip"],
    ),
    "disposition of a nested table": (
        lambda p: hinted(p, nested_hints={"b": dlt.mark.make_nested_hints(write_disposition="skipp")}),
        ["skip", "append", "replace", "merge"],
    ),
    "format of a hint": (lambda p: hinted(p, file_format="csvv"), ["csv", "preferred", "parquet", "jsonl"]),
    "format of a run": (lambda p: run(p, loader_file_format="parqet"), FORMATS),
    "refresh": (lambda p: run(p, refresh="drop_source"), MODES),
    "row order": (lambda _: dlt.sources.incremental("x", row_order="ascc"), ["asc", "desc"]),
    "range": (lambda _: dlt.sources.incremental("x", range_end="opn"), ["open", "closed"]),
    "missing values": (
        lambda _: dlt.sources.incremental("x", on_cursor_value_missing="exlude"),
        ["exclude", "raise", "include"],
    ),
    "database": (lambda _: list(sql_table("postgresq://u:hushhush@h/d", table="t")), ["postgresql", "mysql", "sqlite"]),
    "backend": (
        lambda _: sql_table("sqlite:///x.db", table="t", backend="pyarow"),
        ["pyarrow", "sqlalchemy", "pandas", "connectorx"],
    ),
    "reflection": (
        lambda _: sql_table("sqlite:///x.db", table="t", reflection_level="ful"),
        ["full", "minimal", "full_with_precision"],
    ),
    "destination": (lambda _: dlt.pipeline("q", destination="duckbd"), ["duckdb", "filesystem", "postgres", "sqlite"]),
    "paginator": (lambda _: rest({"paginator": {"type": "pagenumber"}}), ["page_number", "offset", "cursor"]),
    "name of a paginator": (lambda _: rest({"paginator": "heder_link"}), ["header_link", "page_number", "offset"]),
    "option of a paginator": (
        lambda _: rest({"paginator": {"type": "page_number", "base_pag": 1}}),
        ["base_page", "page_param", "total_path"],
    ),
    "auth": (lambda _: rest({"auth": {"type": "beerer"}}), ["bearer", "api_key", "http_basic"]),
    "key of a client": (lambda _: rest({"heders": {}}), ["headers", "base_url", "auth"]),
    "disposition of REST": (lambda _: rest(write_disposition="merg"), ["merge", "skip", "append", "replace"]),
    "place of a key": (
        lambda _: rest({"auth": {"type": "api_key", "api_key": "hushhush", "location": "quer"}}),
        ["query", "header", "cookie", "param"],
    ),
    "parent": (lambda _: rest(endpoint={"path": "{resources.j.id}"}), ["there is none"]),
    "progress": (lambda _: dlt.pipeline("q", progress="tqdmm"), ["tqdm", "log", "enlighten", "alive_progress"]),
    "table of a dataset": (
        lambda p: (run(p), p.dataset().table("tt"))[1],
        ["t", "_dlt_version"],
    ),
    "column of a relation": (
        lambda p: (run(p), p.dataset().t.select("aa").fetchall())[1],
        ["a", "_dlt_load_id", "_dlt_id"],
    ),
    "resource": (lambda _: rest().with_resources("ii"), ["did you mean `i`? there is no other"]),
}


@pytest.mark.parametrize("what", list(WORDS))
def test_a_wrong_word_is_told_with_all_that_there_are(what, pipeline):
    act, expected = WORDS[what]
    with pytest.raises(Exception) as raised:
        act(pipeline)
    told = str(raised.value)
    assert "at line 1 column" not in told and "hushhush" not in told, told
    # The list is the last thing that is said.
    places = [max(told.rfind(f"{before}{word}{after}") for before in "' `" for after in "',") for word in expected[:-1]]
    assert places == sorted(places) and all(place >= 0 for place in places) or len(expected) == 1, told
    assert expected[-1] in told[max([0, *places]) :], told


def test_a_wrong_word_of_a_hint_names_its_resource(pipeline):
    with pytest.raises(Exception, match=r"source `p`, resource `t`"):
        run(pipeline, write_disposition="upsert")
    with pytest.raises(Exception, match=r'"strategy": "upsert"'):
        run(pipeline, write_disposition="upsert")


@pytest.mark.parametrize("form", ["insert_values", "model"])
def test_a_format_of_the_reference_that_windlass_lacks_is_told(form, pipeline):
    for act in (lambda: hinted(pipeline, file_format=form), lambda: run(pipeline, loader_file_format=form)):
        with pytest.raises(Exception, match="there are parquet, jsonl, csv"):
            act()


def test_a_wrong_word_among_the_settings(pipeline, monkeypatch):
    monkeypatch.setenv("SCHEMA__NAMING", "snakecase")
    with pytest.raises(Exception, match="`snake_case`. there are snake_case, duck_case"):
        run(pipeline)
    monkeypatch.delenv("SCHEMA__NAMING")
    monkeypatch.setenv("EXTRACT__NEXT_ITEM_MODE", "fifoo")
    with pytest.raises(Exception, match=r"\['fifo', 'round_robin'\]"):
        run(pipeline)
    monkeypatch.delenv("EXTRACT__NEXT_ITEM_MODE")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "INF")
    with pytest.raises(ValueError, match=r"\['INFO', 'CRITICAL'"):
        run(pipeline)


def test_a_paginator_that_lacks_an_option_is_told_what_it_takes():
    with pytest.raises(TypeError, match=r"the paginator `offset` .* 'limit'; it takes `limit` \(needed\), `offset`"):
        rest({"paginator": {"type": "offset"}})


def test_choices():
    assert choices("b", ["alpha", "beta"]) == "there are alpha, beta"
    assert choices("betta", ["alpha", "beta"]) == "did you mean `beta`? there are beta, alpha"
    assert choices("x", []) == "there is none"
    assert choices("x", ["y"]) == "there is only y"
    assert choices("x", range(70), limit=2) == "there are 0, 1 and 68 more"
