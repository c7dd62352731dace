"""Names that come to one name: keys of dicts are told and counted, columns of frames and tables are refused."""

import json

import pytest

import windlass as dlt
from windlass.pipeline.exceptions import PipelineStepFailed

pa = pytest.importorskip("pyarrow")


def rows(pipeline, sql):
    with pipeline.sql_client() as client:
        return client.execute_sql(sql)


def test_keys_of_dicts_are_told_and_counted(pipeline):
    info = pipeline.run([{"id": n, "a b": n, "a_b": "x", "L": [1], "l": [2]} for n in range(5)], table_name="t")
    told = [warning for warning in info.warnings if "both come to" in warning]
    assert len(told) == 1
    assert "`a b` and `a_b` both come to `a_b`, and 5 values were dropped" in told[0] and "`L` and `l`" in told[0]
    assert rows(pipeline, "SELECT DISTINCT a_b FROM t") == [("x",)]
    assert rows(pipeline, "SELECT DISTINCT value FROM t__l") == [(2,)]


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a b": [1], "a_b": [2]}),
        pa.table({"A": [1], "a": [2]}),
        pa.table([[1], [2]], names=["a", "a"]),
        pa.table({"姓名": ["a"], "年龄": [2]}),
        pa.table({"l": pa.array([[1]]), "L": pa.array([[2]])}),
    ],
)
def test_columns_of_arrow_are_refused_before_anything_is_loaded(pipeline, table):
    with pytest.raises(PipelineStepFailed, match="after normalization") as raised:
        pipeline.run(table, table_name="t")
    assert raised.value.step == "extract"
    assert pipeline.last_trace is not None and not pipeline.has_pending_data


def test_nested_fields_of_frames_stay_one_value_and_lose_nothing(pipeline):
    pipeline.run(pa.table({"o": pa.array([{"x": 1, "X": 2}]), "o__x": [3]}), table_name="t")
    ((text, other),) = rows(pipeline, "SELECT o, o__x FROM t")
    assert json.loads(text) == {"x": 1, "X": 2} and other == 3


def test_columns_of_frames_are_refused(pipeline):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(PipelineStepFailed, match="are called `a_b` after normalization: `a b` and `a_b`"):
        pipeline.run(pandas.DataFrame({"a b": [1], "a_b": [2]}), table_name="t")


@pytest.mark.parametrize(
    "data",
    [
        pa.table({"a b": [1], "a_b": [2], "A-B": [3]}),
        [{"a b": 1, "a_b": 2, "A-B": 3}],
    ],
)
def test_columns_and_keys_can_be_numbered(pipeline, monkeypatch, data):
    monkeypatch.setenv("SCHEMA__COLLISIONS", "number")
    info = pipeline.run(data, table_name="t")
    assert info.warnings == []
    assert rows(pipeline, "SELECT a_b, a_b_2, a_b_3 FROM t") == [(1, 2, 3)]


def test_keys_can_be_refused(pipeline, monkeypatch):
    monkeypatch.setenv("SCHEMA__COLLISIONS", "refuse")
    with pytest.raises(PipelineStepFailed, match="the keys `a b` and `a_b` of one record"):
        pipeline.run([{"a b": 1, "a_b": 2}], table_name="t")


def test_resources_and_tables_that_come_to_one_name_are_refused(pipeline):
    @dlt.source(name="s")
    def source():
        return dlt.resource([{"id": 1}], name="My Rows"), dlt.resource([{"id": 2}], name="my_rows")

    with pytest.raises(PipelineStepFailed, match="`My Rows` and `my_rows` both come to the name `my_rows`"):
        pipeline.run(source())
    events = dlt.resource([{"id": 1, "kind": "Push"}, {"id": 2, "kind": "push"}], name="events", table_name=lambda e: e["kind"])
    with pytest.raises(PipelineStepFailed, match="`Push` and `push` both come to the name `push`"):
        pipeline.run(events)
    assert not pipeline.has_pending_data
