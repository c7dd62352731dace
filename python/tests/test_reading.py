"""Reading back: frames, pages, filters, SQL."""

import sys

import pytest

import windlass as dlt


@pytest.fixture
def loaded(pipeline):
    pipeline.run(
        [{"id": 1, "v": 1.5, "kids": [{"x": 1}, {"x": 2}]}, {"id": 2, "v": None, "kids": []}], table_name="t", primary_key="id"
    )
    return pipeline.dataset()


def test_frames(loaded):
    pytest.importorskip("pandas")
    assert loaded.t.select("id").order_by("id").df()["id"].tolist() == [1, 2]
    assert loaded.t.arrow().num_rows == 2
    assert [len(frame) for frame in loaded.t.iter_df(1)] == [1, 1]
    assert [table.num_rows for table in loaded.t.iter_arrow(1)] == [1, 1]


def test_rows(loaded):
    assert loaded.t.select("id").order_by("id").fetchone() == (1,)
    assert loaded.t.select("id").order_by("id").fetchmany(1) == [(1,)]
    assert [len(rows) for rows in loaded.t.iter_fetch(1)] == [1, 1]
    assert loaded.t.where("id", "gt", 5).fetchone() is None
    assert loaded.t.where("id", "gt", 5).fetchall() == []


def test_the_sql_names_all_columns(loaded):
    assert loaded.t.select("id", "v").where("id", "gt", 0).limit(3).to_sql() == (
        'SELECT "t"."id" AS "id", "t"."v" AS "v" FROM "ds"."t" AS "t" WHERE "t"."id" > CAST(0 AS BIGINT) LIMIT 3'
    )


def test_a_column_that_is_not_there_is_found_late(loaded):
    relation = loaded.t.select("nope")
    with pytest.raises(Exception, match="nope"):
        relation.fetchall()


def test_rows_of_a_load(loaded, pipeline):
    first = loaded.latest_load_id()
    pipeline.run([{"id": 3, "kids": [{"x": 3}]}], table_name="t")
    dataset = pipeline.dataset()
    assert sorted(dataset.t.from_loads([first]).select("id").fetchall()) == [(1,), (2,)]
    nested = dataset.t__kids.from_loads(dataset.load_ids()[1:], add_load_id_column=True)
    assert [row[0] for row in nested.fetchall()] == [3]
    assert nested.columns[-1] == "_dlt_load_id"


def test_joins(loaded):
    joined = loaded.t__kids.join("t", kind="left").select("x", "t__id").order_by("x")
    assert joined.fetchall() == [(1, 1), (2, 1)]
    with pytest.raises(ValueError, match="knows no way"):
        loaded.t.join("_dlt_version")


def test_a_query_that_is_wrong(loaded):
    with pytest.raises(Exception, match="nope"):
        loaded.query("SELECT nope FROM t").fetchall()


def test_parameters_are_quoted(loaded, pipeline):
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT %s", "it's; --") == [("it's; --",)]
        assert client.has_dataset()


def test_the_filesystem_can_be_asked(tmp_path):
    made = dlt.pipeline(
        "files", pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.filesystem(str(tmp_path / "out")), dataset_name="ds"
    )
    made.run([{"id": 1}, {"id": 2}], table_name="t")
    assert sorted(made.dataset().t.select("id").fetchall()) == [(1,), (2,)]
    assert made.dataset().t.where("id", "eq", 2).select("id").fetchall() == [(2,)]


def test_settings_of_files(tmp_path, pipeline):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("[sources.test_reading.s]\nn = 5\nitems = [1, 2]\n")
    (tmp_path / ".dlt" / "secrets.toml").write_text('[sources.s]\nkey = "k"\n')

    @dlt.source
    def s(n: int = dlt.config.value, items: list = dlt.config.value, key: str = dlt.secrets.value):
        return dlt.resource([{"n": n, "l": len(items), "key": key}], name="t")

    pipeline.run(s())
    assert pipeline.dataset().t.select("n", "l", "key").fetchall() == [(5, 2, "k")]


def test_a_missing_setting_names_all_places():
    @dlt.source
    def s(token: str = dlt.secrets.value):
        return []

    with pytest.raises(KeyError) as caught:
        s()
    text = str(caught.value)
    assert "Missing 1 field(s) in configuration `SConfiguration`: `token`" in text
    assert "(Environment Variables, SOURCES__TEST_READING__S__TOKEN)" in text


def test_a_secret_is_not_taken_from_config(tmp_path):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text('token = "t"\n')

    @dlt.source
    def s(token: str = dlt.secrets.value):
        return []

    with pytest.raises(Exception, match="secret") as caught:
        s()
    assert type(caught.value).__name__ == "ValueNotSecretException"


def test_a_sink_that_fails_goes_on_where_it_failed(tmp_path):
    calls = []

    @dlt.destination(batch_size=2)
    def sink(items, table):
        calls.append([item["id"] for item in items])
        if len(calls) == 2:
            raise ConnectionError("once")

    made = dlt.pipeline("sinks", pipelines_dir=str(tmp_path / "pl"), destination=sink)
    made.run([{"id": i} for i in range(5)], table_name="t")
    assert calls == [[0, 1], [2, 3], [2, 3], [4]]


def test_a_sink_that_fails_for_good_keeps_the_package(tmp_path):
    calls, is_broken = [], [True]

    @dlt.destination(batch_size=2)
    def sink(items, table):
        calls.append([item["id"] for item in items])
        if is_broken[0] and items[0]["id"] == 2:
            raise ConnectionError("always")

    made = dlt.pipeline("sinks", pipelines_dir=str(tmp_path / "pl"), destination=sink)
    with pytest.raises(Exception, match="always") as caught:
        made.run([{"id": i} for i in range(5)], table_name="t")
    assert caught.value.step == "load"
    assert made.has_pending_data
    is_broken[0] = False
    calls.clear()
    made.load()
    assert calls == [[2, 3], [4]]
    assert not made.has_pending_data


class Backend:
    """What of a backend of ibis the handover uses, over DuckDB itself."""

    def __init__(self, connection):
        self.connection = connection

    def raw_sql(self, sql):
        return self.connection.execute(sql)


@pytest.mark.parametrize("kind", ["duckdb", "filesystem"])
def test_ibis_gets_a_connection_that_knows_the_tables(kind, tmp_path, monkeypatch):
    import types

    import duckdb

    opened = []

    def connect(path=":memory:", read_only=False):
        opened.append((path, read_only))
        return Backend(duckdb.connect(path, read_only=read_only))

    monkeypatch.setitem(sys.modules, "ibis", types.SimpleNamespace(duckdb=types.SimpleNamespace(connect=connect)))
    place = str(tmp_path / ("i.duckdb" if kind == "duckdb" else "out"))
    pipeline = dlt.pipeline("i", pipelines_dir=str(tmp_path / "pl"), destination=getattr(dlt.destinations, kind)(place), dataset_name="d")
    pipeline.run([{"a": 1, "raw": b"x"}, {"a": 2}], table_name="t")
    backend = pipeline.dataset().ibis()
    assert backend.raw_sql("SELECT a, raw FROM t ORDER BY a").fetchall() == [(1, b"x"), (2, None)]
    backend.connection.close()
    assert opened == [(place, True) if kind == "duckdb" else (":memory:", False)]


def test_ibis_that_is_missing_is_named(pipeline, monkeypatch):
    pipeline.run([{"a": 1}], table_name="t")
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(ImportError, match=r"pip install 'ibis-framework\[duckdb\]'"):
        pipeline.dataset().ibis()


def test_columns_of_queries_have_types(pipeline):
    pipeline.run([{"a": 1, "t": "x"}], table_name="t")
    query = pipeline.dataset()("SELECT a, count(*) AS n, 1.5::DOUBLE AS f, [1] AS l FROM t GROUP BY ALL")
    assert query.columns == ["a", "n", "f", "l"]
    assert query.columns_schema == {
        "a": {"name": "a", "data_type": "bigint", "nullable": True},
        "n": {"name": "n", "data_type": "bigint"},
        "f": {"name": "f", "data_type": "double"},
        "l": {"name": "l", "data_type": "json"},
    }


def test_expressions_of_sqlglot(pipeline):
    from sqlglot import expressions

    pipeline.run([{"a": 1, "t": "xy"}, {"a": 2, "t": "z"}], table_name="t")
    relation = pipeline.dataset().t
    assert relation.where("t", expressions.Like, "x%").select("a").fetchall() == [(1,)]
    assert relation.where(expressions.column("a") > 1).select("a").fetchall() == [(2,)]
    assert isinstance(relation.select("a").sqlglot_expression, expressions.Select)
    assert pipeline.dataset()("SELECT `a` FROM t WHERE `a` > 1", query_dialect="mysql").fetchall() == [(2,)]
    assert pipeline.dataset().sqlglot_schema.column_names("ds.t")[:2] == ["a", "t"]


def test_models_are_refused_by_name(pipeline):
    pipeline.run([{"a": 1}], table_name="t")
    with pytest.raises(NotImplementedError, match="iter_arrow"):
        pipeline.dataset().t.to_model()
