"""The package as a whole."""

import os
import pathlib
import subprocess
import sys
import threading

import pytest

import windlass as dlt

ROOT = pathlib.Path(__file__).parents[1]

NAMES = (
    "pipeline run attach Pipeline source resource transformer defer destination dataset Dataset Relation Schema config "
    "secrets current mark progress sources destinations TSecretValue TSecretStrValue TCredentials __version__"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name(name):
    assert getattr(dlt, name) is not None


def test_names_of_functions_stay_functions():
    import windlass.dataset  # noqa: F401
    import windlass.pipeline.exceptions  # noqa: F401

    assert callable(dlt.pipeline)
    assert callable(dlt.dataset)


def test_the_import_brings_few_modules():
    # What makes it fast, told without a clock: `make bench` has the time.
    code = "import sys; before = set(sys.modules); import windlass; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    modules = done.stdout.split()
    assert len(modules) <= 160, modules
    heavy = {"http", "ssl", "socket", "subprocess", "multiprocessing", "concurrent", "email", "yaml", "pyarrow", "pandas"}
    assert heavy.isdisjoint(module.partition(".")[0] for module in modules), modules


def test_the_engine_is_not_imported_before_it_is_needed():
    code = "import sys, windlass; print('windlass._windlass' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_types_are_right():
    done = subprocess.run([sys.executable, "-m", "mypy"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_a_script_for_dlt_runs_by_alias(tmp_path):
    code = """
import windlass
windlass.alias_dlt()
import dlt
from dlt.sources import incremental
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.common.typing import TDataItems
p = dlt.pipeline("p", pipelines_dir="pl", destination=dlt.destinations.duckdb("p.duckdb"), dataset_name="d")
p.run([{"a": 1}], table_name="t")
try:
    p.run([{"a": object()}], table_name="t")
except PipelineStepFailed as cause:
    print(cause.step, dlt.__name__, incremental.__name__)
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.stdout.split() == ["extract", "windlass", "Incremental"], done.stderr


def test_the_command(tmp_path):
    code = "import sys; sys.argv = ['windlass', 'destinations']; from windlass._cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "duckdb" in done.stdout


def test_fifty_pipelines_at_once(tmp_path):
    found = {}

    def load(number):
        name = f"p{number}"
        made = dlt.pipeline(
            name,
            pipelines_dir=str(tmp_path / "pl"),
            destination=dlt.destinations.duckdb(str(tmp_path / f"{name}.duckdb")),
            dataset_name="ds",
        )

        @dlt.resource(name="rows")
        def resource():
            state = dlt.current.resource_state()
            state["n"] = number
            assert dlt.current.pipeline() is made
            for page in range(5):
                yield [{"id": page * 10 + i, "n": number} for i in range(10)]

        made.run(resource())
        counted = made.dataset().query("SELECT count(*), min(n), max(n) FROM rows").fetchall()[0]
        found[number] = (*counted, made.state["sources"][name]["resources"]["rows"]["n"])

    threads = [threading.Thread(target=load, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == {number: (50, number, number, number) for number in range(50)}


def test_pipelines_of_one_process_take_turns_at_one_file(tmp_path):
    """The lock of a DuckDB file keeps other processes out, and not other threads."""
    place = str(tmp_path / "one.duckdb")
    failures = []

    def load(number):
        try:
            made = dlt.pipeline(
                f"p{number}", pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.duckdb(place), dataset_name="ds"
            )
            for turn in range(3):
                made.run([{"turn": turn, "row": row} for row in range(50)], table_name=f"t{number}")
        except Exception as cause:  # noqa: BLE001
            failures.append(cause)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    import duckdb

    with duckdb.connect(place, read_only=True) as connection:
        for number in range(8):
            assert connection.execute(f"SELECT count(*), count(DISTINCT turn) FROM ds.t{number}").fetchall() == [(150, 3)]
        assert connection.execute("SELECT count(*) FROM ds._dlt_loads").fetchall() == [(24,)]


def test_ctrl_c_stops_where_nothing_is_lost(tmp_path):
    code = """
import os, signal, threading, time
import windlass as dlt
# What is started in the background by a shell ignores the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
p = dlt.pipeline("p", pipelines_dir="pl", destination=dlt.destinations.duckdb("p.duckdb"), dataset_name="d")
def rows():
    yield [{"a": 1}]
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
    yield [{"a": 2}]
try:
    p.run(rows(), table_name="t")
except KeyboardInterrupt:
    print("stopped", p.has_pending_data)
p.run([{"a": 3}], table_name="t")
print(p.dataset().t.select("a").fetchall())
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["stopped False", "[(3,)]"], done.stderr


def test_infos_for_notebooks(pipeline):
    info = pipeline.run([{"<a>": 1, "b": "<i>"}], table_name="t")
    shown = [info, pipeline.last_trace.last_extract_info, pipeline.last_trace.last_normalize_info, pipeline.last_trace]
    shown += [pipeline.default_schema, pipeline, pipeline.dataset(), pipeline.dataset().t]
    for one in shown:
        html = one._repr_html_()
        assert html.count("<table>") == html.count("</table>") > 0
        assert "<i>" not in html and "<a>" not in html
    assert "schema p" in pipeline.default_schema._repr_html_()
    assert "<td>t</td><td>1</td>" in info._repr_html_()
    assert "&lt;i&gt;" in pipeline.dataset().t._repr_html_()
    missing = pipeline.dataset().query("SELECT * FROM nowhere")._repr_html_()
    assert "nowhere" in missing and "<table>" not in missing


def test_arrow_is_handed_over_without_pyarrow(pipeline):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    pipeline.run(frame, table_name="t")
    back = pl.DataFrame(pipeline.dataset().t.select("a", "b"))
    assert back.sort("a").equals(frame)
