"""Rows that are taken while the query runs on."""

import gc
import subprocess
import sys
import threading
import pathlib

import pytest

import windlass as dlt
from windlass.destinations.exceptions import DatabaseTransientException, DatabaseUndefinedRelation

pa = pytest.importorskip("pyarrow")

MEMORY = """
import os, sys
import windlass as dlt
import pyarrow as pa

kind, count = sys.argv[1], 5_000_000
place = dlt.destinations.duckdb("m.duckdb") if kind == "duckdb" else dlt.destinations.filesystem("out")
pipeline = dlt.pipeline("m", pipelines_dir="pl", destination=place, dataset_name="d")

def megabytes(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))

if sys.argv[2] == "load":
    numbers = pa.array(range(1000), pa.int64())
    texts = pa.array(["this is the text of row number %06d" % index for index in range(1000)])

    @dlt.resource(file_format="parquet")
    def t():
        for _ in range(count // 100_000):
            yield pa.table({"a": pa.concat_arrays([numbers] * 100), "t": pa.concat_arrays([texts] * 100)})

    pipeline.run(t())
else:
    relation = pipeline.dataset().t
    for chunk in relation.limit(10).iter_arrow(5):
        pass
    before = megabytes("VmRSS")
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    rows = size = 0
    for chunk in getattr(relation, sys.argv[2])(50_000):
        rows += len(chunk)
        size += getattr(chunk, "nbytes", 0)
    assert rows == count, rows
    print(size / 2**20, megabytes("VmHWM") - before)
"""


@pytest.fixture
def numbers(pipeline):
    pipeline.run(pa.table({"a": range(200_000), "t": [str(index) for index in range(200_000)]}), table_name="t")
    return pipeline


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of the memory is read from /proc")
@pytest.mark.parametrize("kind", ["duckdb", "filesystem"])
def test_five_million_rows_in_bounded_memory(kind, tmp_path):
    import os

    environment = dict(os.environ, PYTHONPATH=str(pathlib.Path(dlt.__file__).parents[1]))

    def run(what):
        command = [sys.executable, "-c", MEMORY, kind, what]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("load")
    size, peak = map(float, run("iter_arrow").split())
    # The table is 210 MiB; DuckDB keeps what it has read in a cache of its own.
    assert size > 200 and peak < 120, (size, peak)
    _, peak = map(float, run("iter_fetch").split())
    assert peak < 150, peak


def test_chunks_have_the_size_that_was_asked_for(numbers):
    relation = numbers.dataset().t.order_by("a")
    for size in (1000, 65_536, 70_001, 500_000):
        chunks = list(relation.iter_arrow(size))
        assert [chunk.num_rows for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
        assert pa.concat_tables(chunks)["a"].to_pylist() == list(range(200_000))
    assert [len(frame) for frame in relation.iter_df(150_000)] == [150_000, 50_000]
    assert sum(len(rows) for rows in relation.iter_fetch(3)) == 200_000


def test_columns_are_handed_over_and_not_copied(numbers):
    before = pa.total_allocated_bytes()
    tables = list(numbers.dataset().t.iter_arrow(50_000))
    assert sum(table.nbytes for table in tables) > 2_000_000
    assert pa.total_allocated_bytes() - before < 100_000, "pyarrow has no memory of its own for them"


def test_an_iterator_that_is_left_frees_the_database(numbers, tmp_path):
    rows = numbers.dataset().t.iter_fetch(10)
    assert len(next(rows)) == 10
    del rows
    gc.collect()
    numbers.run([{"a": -1}], table_name="t")
    import duckdb

    with duckdb.connect(str(tmp_path / "p.duckdb"), read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM ds.t").fetchall() == [(200_001,)]


def test_a_load_into_the_database_that_is_read(numbers):
    """The rows that were asked for first come all, and none of the new ones."""
    relation = numbers.dataset().t
    rows = relation.select("a").iter_fetch(1000)
    count = len(next(rows))
    numbers.run([{"a": -1, "t": "new"}], table_name="t")
    assert relation.where("a", "lt", 0).fetchall()[0][0] == -1
    found = [row[0] for chunk in rows for row in chunk]
    assert count + len(found) == 200_000 and min(found) >= 0


def test_a_relation_feeds_a_pipeline_of_its_own_database(numbers):
    @dlt.resource
    def copied():
        yield from numbers.dataset().t.iter_arrow(30_000)

    numbers.run(copied())
    assert numbers.dataset().row_counts().fetchall() == [("t", 200_000), ("copied", 200_000)]


def test_a_cursor_that_is_closed_says_so(numbers):
    with numbers.sql_client() as client:
        with client.execute_query("SELECT a FROM t ORDER BY a") as cursor:
            chunks = cursor.iter_fetch(1000)
            assert next(chunks)[0] == (0,)
        with pytest.raises(DatabaseTransientException, match="closed"):
            next(chunks)
        with pytest.raises(DatabaseTransientException, match="closed"):
            cursor.fetchone()
        with client.execute_query("SELECT a FROM t LIMIT 2") as cursor:
            assert len(cursor.fetchall()) == 2
        # All rows were taken: nothing is lost.
        assert cursor.fetchone() is None and cursor.fetchmany(3) == []


def test_many_readers_at_once(numbers):
    counts, failures = [], []

    def read():
        try:
            counts.append(sum(len(rows) for rows in numbers.dataset().t.iter_fetch(777)))
        except Exception as cause:  # noqa: BLE001 (told by the test)
            failures.append(cause)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and counts == [200_000] * 8


def test_a_query_that_fails_on_its_way_raises(pipeline):
    pipeline.run([{"a": 1}], table_name="t")
    query = "SELECT CASE WHEN range = 199999 THEN error('late') ELSE range END AS n FROM range(200000)"
    chunks = pipeline.dataset()(query).iter_fetch(1000)
    with pytest.raises(DatabaseTransientException, match="late"):
        for _ in chunks:
            pass
    with pytest.raises(DatabaseUndefinedRelation, match="nope"):
        next(pipeline.dataset()("SELECT * FROM nope").iter_arrow(10))


@pytest.mark.parametrize("size", [0, -1])
def test_sizes_that_are_none(size, pipeline):
    pipeline.run([{"a": 1}], table_name="t")
    for name in ("iter_fetch", "iter_df", "iter_arrow"):
        with pytest.raises(ValueError, match="at least one row"):
            next(getattr(pipeline.dataset().t, name)(size))


def test_anything_that_takes_arrow_takes_a_relation(numbers):
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(numbers.dataset().t.select("a").limit(3)).height == 3
    assert pa.table(numbers.dataset().t.select("a")).num_rows == 200_000
