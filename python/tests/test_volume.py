"""Much of everything: many rows, large lists, endless readers, deep values; and memory that stays where it is."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import windlass as dlt
from windlass.pipeline.exceptions import PipelineStepFailed


def count(pipeline, table="t"):
    with pipeline.sql_client() as client:
        return client.execute_sql(f"SELECT count(*) FROM {table}")[0][0]


def test_a_million_tiny_yields(pipeline):
    pipeline.run(({"id": i} for i in range(1_000_000)), table_name="t")
    assert count(pipeline) == 1_000_000


def test_one_list_of_a_million_dicts(pipeline):
    def rows():
        yield [{"id": i, "name": "x"} for i in range(1_000_000)]

    pipeline.run(rows(), table_name="t")
    assert count(pipeline) == 1_000_000
    with pipeline.sql_client() as client:
        assert client.execute_sql("SELECT min(id), max(id), count(DISTINCT _dlt_id) FROM t") == [(0, 999_999, 1_000_000)]


def test_a_list_that_holds_everything(pipeline):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"id": [10, 11]})

    def mixed():
        yield [{"id": 1}, table, {"id": 2}]
        yield [table, table]

    pipeline.run(mixed(), table_name="t")
    assert sorted(pipeline.dataset().t.select("id").fetchall()) == [(1,), (2,), *[(10,)] * 3, *[(11,)] * 3]


def test_a_list_that_changes_while_it_is_read(pipeline):
    class Row(dict):
        """A row whose reading shortens the list that it is in."""

        def _asdict(self):
            rows.pop()
            return {"id": self["id"]}

    rows = [Row(id=i) for i in range(10)]

    def shrinking():
        yield rows

    pipeline.run(shrinking(), table_name="t")
    assert sorted(pipeline.dataset().t.select("id").fetchall()) == [(i,) for i in range(5)]


def test_generators_that_yield_generators(pipeline):
    def pair(start):
        yield {"a": start}
        yield {"a": start + 1}

    @dlt.resource
    def t():
        yield ({"a": i} for i in range(3))
        yield ([{"a": i}] for i in range(3, 6))
        yield (pair(start) for start in (10, 20))

    pipeline.run(t())
    assert sorted(pipeline.dataset().t.select("a").fetchall()) == [(a,) for a in (0, 1, 2, 3, 4, 5, 10, 11, 20, 21)]


def nested(depth, kind):
    value = 1
    for _ in range(depth):
        value = {"x": value} if kind is dict else [value]
    return {"deep": value}


@pytest.mark.parametrize("kind", [dict, list])
def test_what_is_nested_too_deep_is_named(pipeline, kind):
    with pytest.raises(PipelineStepFailed, match="deeper than 200 levels") as caught:
        pipeline.run([{"deep": 0}, nested(10_000, kind)], table_name="t")
    # The place is told, not all ten thousand keys of it.
    assert len(str(caught.value)) < 1000
    assert not pipeline.has_pending_data


@pytest.mark.parametrize("kind", [dict, list])
def test_deep_values_are_loaded(pipeline, kind):
    pipeline.run([nested(30, kind)], table_name="t")
    assert count(pipeline) == 1


def test_columns_are_shared_out_and_complete(pipeline):
    pa = pytest.importorskip("pyarrow")
    rows = 300_000
    table = pa.table({"id": pa.array(range(rows)), "name": pa.array([f"name {i % 1000}" for i in range(rows)])})
    # A part of a table, whose buffers begin elsewhere.
    pipeline.run(table.slice(1000, 250_000), table_name="t")
    with pipeline.sql_client() as client:
        found = client.execute_sql("SELECT count(*), min(id), max(id), count(DISTINCT id), count(DISTINCT name) FROM t")
    assert found == [(250_000, 1000, 250_999, 250_000, 1000)]


def test_an_arrow_object_without_rows_makes_the_table(pipeline):
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema([("id", pa.int64())])
    pipeline.run(pa.RecordBatchReader.from_batches(schema, iter(())), table_name="t")
    assert count(pipeline) == 0


def test_a_reader_that_raises_loads_nothing(pipeline):
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema([("id", pa.int64())])

    def batches():
        yield pa.record_batch([pa.array(range(100_000))], schema=schema)
        raise LookupError("the remote is gone")

    with pytest.raises(PipelineStepFailed, match="the remote is gone"):
        pipeline.run(pa.RecordBatchReader.from_batches(schema, batches()), table_name="t")
    assert not pipeline.has_pending_data
    assert pipeline.first_run


MEMORY = """
import json, sys
import windlass as dlt

kind, megabytes = sys.argv[1], int(sys.argv[2])
texts = [chr(97 + i % 26) * 10_000 for i in range(50)]

def rows():
    for i in range(megabytes * 100):
        yield {"id": i, "text": texts[i % 50]}

def lists():
    for start in range(0, megabytes * 100, 1000):
        yield [{"id": i, "text": texts[i % 50]} for i in range(start, start + 1000)]

def reader():
    import pyarrow as pa
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    def batches():
        for start in range(0, megabytes * 100, 1000):
            ids = range(start, start + 1000)
            yield pa.record_batch([pa.array(ids), pa.array([texts[i % 50] for i in ids])], schema=schema)
    return pa.RecordBatchReader.from_batches(schema, batches())

made = {"rows": rows, "lists": lists, "reader": reader}[kind]
pipeline = dlt.pipeline("p", destination=dlt.destinations.filesystem("out"), dataset_name="ds", pipelines_dir="pl")
pipeline.run(made(), table_name="t", loader_file_format="parquet")
import pyarrow.parquet as pq
import pathlib
found = sum(pq.read_metadata(file).num_rows for file in pathlib.Path("out/ds/t").glob("*.parquet"))
# The peak of this program alone: ru_maxrss would have that of the process that started it.
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([found, int(peak) // 1024]))
"""


@pytest.mark.parametrize("kind", ["rows", "lists", "reader"])
def test_memory_does_not_grow_with_the_data(tmp_path, kind):
    pytest.importorskip("pyarrow")

    def peak(megabytes):
        folder = tmp_path / str(megabytes)
        folder.mkdir()
        environment = {**os.environ, "WINDLASS_DATA_DIR": str(folder / "data"), "PYTHONPATH": path()}
        command = [sys.executable, "-c", MEMORY, kind, str(megabytes)]
        out = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert out.returncode == 0, out.stderr
        rows, peak = json.loads(out.stdout.splitlines()[-1])
        assert rows == megabytes * 100
        return peak

    # Ten times the data takes a twentieth of it more at most.
    small, large = peak(100), peak(1000)
    assert large < 512
    assert large - small < 50


def path():
    """Where this windlass is, for other processes."""
    return str(pathlib.Path(dlt.__file__).parent.parent)
