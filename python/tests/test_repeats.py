"""Sources that every run appends whole: the warnings of a later run tell."""

import json
import pathlib
import sqlite3

import pytest
import requests as library
from test_rest_astray import Wire

import windlass as dlt
from windlass.sources.filesystem import filesystem, read_jsonl
from windlass.sources.rest_api import rest_api_source
from windlass.sources.sql_database import sql_database, sql_table


def files(**options):
    pathlib.Path("d").mkdir(exist_ok=True)
    pathlib.Path("d/a.jsonl").write_text('{"id": 1}\n')
    return filesystem("d", file_glob="*.jsonl", **options)


def database():
    with sqlite3.connect("s.db") as connection:
        connection.execute("create table if not exists t (id integer)")
        connection.execute("insert into t values (1)")
    return "sqlite:///s.db"


def rest(**endpoint):
    session = library.Session()
    session.mount("http://", Wire(lambda request, number: (200, {}, json.dumps([{"id": 1}]))))
    client = {"base_url": "http://127.0.0.1:18090", "session": session, "paginator": "single_page"}
    child = {"name": "child", "endpoint": "t/{resources.t.id}"}
    resource = {"name": "t", "endpoint": {"path": "t", "params": {}, **endpoint}}
    return rest_api_source({"client": client, "resources": [resource, child]})


@dlt.transformer
def own_reader(items):
    for item in items:
        yield {"name": item["file_name"]}


CURSOR = dlt.sources.incremental("id")
SOURCES = {
    "files": (lambda: (files() | read_jsonl()).with_name("t"), "modification_date"),
    "files by a function of the user's": (lambda: (files() | own_reader).with_name("t"), "modification_date"),
    "a table": (lambda: sql_table(database(), table="t"), "incremental"),
    "a database": (lambda: sql_database(database()), "incremental"),
    "an API": (rest, "incremental"),
    "only new files": (
        lambda: (files(incremental=dlt.sources.incremental("modification_date")) | read_jsonl()).with_name("t"),
        None,
    ),
    "new rows": (lambda: sql_table(database(), table="t", incremental=CURSOR), None),
    "new records": (lambda: rest(params={"since": {"type": "incremental", "cursor_path": "id", "initial_value": 0}}), None),
    "a resource of the user's": (lambda: dlt.resource([{"id": 1}], name="t"), None),
}


@pytest.mark.parametrize("kind", list(SOURCES))
def test_a_later_run_tells_of_records_that_are_appended_again(kind, pipeline, caplog):
    make, remedy = SOURCES[kind]
    assert not any("every run appends" in text for text in pipeline.run(make(), write_disposition="append").warnings)
    caplog.clear()
    told = [text for text in pipeline.run(make(), write_disposition="append").warnings if "every run appends" in text]
    assert len(told) == (remedy is not None), told
    if remedy is not None:
        assert told[0].startswith("resource `t`") and remedy in told[0]
        assert caplog.text.count(told[0]) == 1
    assert not any("every run appends" in text for text in pipeline.run(make(), write_disposition="replace").warnings)


def test_a_refresh_appends_nothing_again(pipeline):
    pipeline.run(sql_table(database(), table="t"))
    info = pipeline.run(sql_table(database(), table="t"), refresh="drop_sources")
    assert not any("every run appends" in text for text in info.warnings)
