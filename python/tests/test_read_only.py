"""`dataset()` only reads; `sql_client()` of a pipeline is the one door that writes."""

import datetime

import pytest

import windlass as dlt

PLACES = {
    "duckdb": lambda folder: dlt.destinations.duckdb(str(folder / "o.duckdb")),
    "memory": lambda folder: dlt.destinations.duckdb(":memory:"),
    "sqlite": lambda folder: dlt.destination("sqlite", credentials=str(folder / "o.db")),
    "filesystem": lambda folder: dlt.destinations.filesystem(str(folder / "out")),
}


@pytest.fixture(params=sorted(PLACES))
def loaded(request, tmp_path):
    (tmp_path / "other.txt").write_text("secret words")
    made = dlt.pipeline("ro", pipelines_dir=str(tmp_path / "pl"), destination=PLACES[request.param](tmp_path), dataset_name="ds")
    made.run([{"id": 1}, {"id": 2}], table_name="t")
    made.kind = request.param
    return made


def ids(pipeline):
    return sorted(pipeline.dataset().t.select("id").fetchall())


@pytest.mark.parametrize("sql", ["DELETE FROM t", "DROP TABLE t", "UPDATE t SET id = 9", "SELECT 1; DELETE FROM t", "COMMIT", "ATTACH 'x.db' AS x"])
def test_a_dataset_is_not_written_to(loaded, sql):
    with pytest.raises(Exception):
        loaded.dataset()(sql, _execute_raw_query=True).fetchall()
    with pytest.raises(Exception, match="only reads"):
        loaded.dataset().sql_client.execute_sql(sql)
    assert ids(loaded) == [(1,), (2,)]


@pytest.mark.parametrize("sql", ["SELECT * FROM read_text('{}/other.txt')", "SELECT * FROM '{}/other.txt'", "COPY t TO '{}/stolen'"])
def test_a_dataset_reads_no_other_file(loaded, tmp_path, sql):
    with pytest.raises(Exception):
        loaded.dataset().sql_client.execute_sql(sql.format(tmp_path))
    assert not (tmp_path / "stolen").exists()


def test_the_client_of_a_pipeline_writes(loaded):
    if loaded.kind == "filesystem":
        pytest.skip("SQL cannot write to files")
    with loaded.sql_client() as client:
        client.execute_sql("INSERT INTO t (id, _dlt_load_id, _dlt_id) VALUES (%s, %s, %s)", 3, "l", "x")
        assert client.execute_sql("SELECT id FROM t ORDER BY id") == [(1,), (2,), (3,)]
        client.execute_sql("DELETE FROM t WHERE id < 3")
    assert ids(loaded) == [(3,)]


def test_times_that_python_does_not_know(tmp_path):
    made = dlt.pipeline("far", pipelines_dir=str(tmp_path / "pl"), destination=PLACES["duckdb"](tmp_path), dataset_name="ds")
    made.run([{"id": 1}], table_name="t")
    sql = (
        "SELECT 'infinity'::timestamp, '-infinity'::timestamptz, 'infinity'::date, time '24:00:00', "
        "'290000-01-02'::timestamp, '12000-01-01'::date, ['-infinity'::date]"
    )
    assert made.dataset().sql_client.execute_sql(sql) == [
        (
            datetime.datetime.max,
            datetime.datetime.min.replace(tzinfo=datetime.timezone.utc),
            datetime.date.max,
            "24:00:00",
            "+290000-01-02T00:00:00",
            "+12000-01-01",
            [datetime.date.min],
        )
    ]
