"""Texts are texts, whatever they begin with: in dicts, nested values, keys of incremental loading, states and frames."""

import datetime as dt
import decimal
import json

import pytest

import windlass as dlt
from windlass.common.json import typed_dumps, typed_loads

BODIES = ["", "1.50", "2024-01-01", "2024-01-01T00:00:00Z", "YQ==", "0xff", "01:02:03", "NaN", "\uf0261"]
TAGS = [chr(code) for code in range(0xF020, 0xF030)]
TEXTS = [tag + body for tag in TAGS for body in BODIES]
TEXTS += ["\U0001f9e1 love", "A\u9999", ".\u9999\u6e2f", "P\u09e8Y", "\ue000x", "\U0010fffdx"]


def texts(pipeline, table, column="v"):
    return sorted(row[0] for row in pipeline.dataset()[table].select(column).fetchall())


def test_texts_of_dicts_are_themselves_at_every_depth(pipeline):
    rows = [{"id": i, "v": v, "l": [v, {"m": v}], "o": {"p": v}, "d": dt.date(2024, 1, 1)} for i, v in enumerate(TEXTS)]
    pipeline.run(rows, table_name="t")
    assert texts(pipeline, "t") == sorted(TEXTS)
    assert texts(pipeline, "t", "o__p") == sorted(TEXTS)
    assert sorted(v for v in texts_or_null(pipeline, "t__l", "value") if v is not None) == sorted(TEXTS)
    assert sorted(v for v in texts_or_null(pipeline, "t__l", "m") if v is not None) == sorted(TEXTS)
    assert {row[0] for row in pipeline.dataset()["t"].select("d").fetchall()} == {dt.date(2024, 1, 1)}


def texts_or_null(pipeline, table, column):
    return [row[0] for row in pipeline.dataset()[table].select(column).fetchall()]


def test_texts_of_files_that_no_function_looks_at_are_themselves(pipeline, tmp_path):
    from windlass.sources.filesystem import filesystem, read_jsonl

    lines = [json.dumps({"v": v}, ensure_ascii=i % 2 == 0) for i, v in enumerate(TEXTS)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pipeline.run((filesystem(str(tmp_path / "in"), file_glob="*") | read_jsonl()).with_name("t"))
    assert texts(pipeline, "t") == sorted(TEXTS)


def test_texts_of_frames_are_themselves(pipeline):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"v": TEXTS, "l": [[v] for v in TEXTS]})
    pipeline.run(table, table_name="t")
    assert texts(pipeline, "t") == sorted(TEXTS)
    kept = [json.loads(v)[0] if isinstance(v, str) else v[0] for v in texts_or_null(pipeline, "t", "l")]
    assert sorted(kept) == sorted(TEXTS)


def test_texts_of_states_and_cursors_are_themselves(pipeline):
    assert typed_loads(typed_dumps(TEXTS)) == TEXTS
    values = {"d": decimal.Decimal("1.5"), "t": dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc), "b": b"a"}
    assert typed_loads(typed_dumps(values)) == values

    @dlt.resource(name="t")
    def rows(cursor=dlt.sources.incremental("v")):
        dlt.current.resource_state()["kept"] = "\uf0282024-01-01"
        yield [{"v": "\uf0271"}, {"v": "\uf0272024-01-01T00:00:00Z"}]

    pipeline.run(rows())
    pipeline.run(rows())
    assert texts(pipeline, "t") == ["\uf0271", "\uf0272024-01-01T00:00:00Z"]
    state = pipeline.state["sources"][pipeline.default_schema_name]["resources"]["t"]
    assert state["kept"] == "\uf0282024-01-01"
    assert state["incremental"]["v"]["last_value"] == "\uf0272024-01-01T00:00:00Z"
