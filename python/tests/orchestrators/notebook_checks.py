"""Cells that a real kernel runs: what is shown, how progress is shown, and what an interrupt leaves."""

import os
import threading
import time

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SETUP = """
import os
os.chdir({folder!r})
os.environ["WINDLASS_DATA_DIR"] = {folder!r} + "/data"
import windlass as dlt
p = dlt.pipeline("p", destination=dlt.destinations.duckdb("p.duckdb"), dataset_name="ds"{options})
"""


class Notebook:
    """Cells of one kernel."""

    def __init__(self, folder, options=""):
        self.node = nbformat.v4.new_notebook()
        self.client = NotebookClient(self.node, timeout=120, kernel_name="python3")
        self.setup = SETUP.format(folder=str(folder), options=options)

    def __enter__(self):
        self.context = self.client.setup_kernel()
        self.context.__enter__()
        self.run(self.setup)
        return self

    def __exit__(self, *args):
        return self.context.__exit__(*args)

    def run(self, source):
        """The outputs of a cell."""
        cell = nbformat.v4.new_code_cell(source)
        self.node.cells.append(cell)
        self.client.execute_cell(cell, len(self.node.cells) - 1)
        return cell.outputs


def text_of(outputs):
    return "".join(output.get("text", "") for output in outputs)


def html_of(outputs):
    return "".join(output["data"]["text/html"] for output in outputs if output["output_type"] == "execute_result")


@pytest.fixture(autouse=True)
def kernel_of_this_environment():
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    # The kernel finds windlass as this process does.
    assert os.environ.get("PYTHONPATH")


def test_results_are_tables(tmp_path):
    with Notebook(tmp_path) as notebook:
        html = html_of(notebook.run('p.run([{"id": 1, "kids": [{"x": 1}]}], table_name="rows")'))
        assert "<td>rows</td><td>1</td>" in html and "<td>rows__kids</td><td>1</td>" in html and "p.duckdb" in html
        for expression, piece in [
            ("p.last_trace", "Step extract COMPLETED"),
            ("p.last_trace.last_extract_info", "<td>rows</td>"),
            ("p.last_trace.last_normalize_info", "<td>rows</td>"),
            ("p.default_schema", "<summary>rows</summary>"),
            ("p", "pipeline p"),
            ("p.dataset()", "dataset ds"),
            ("p.dataset().rows.select('id')", "<th>id</th>"),
        ]:
            shown = html_of(notebook.run(expression))
            assert piece in shown and shown.count("<table>") == shown.count("</table>"), expression


def test_progress_is_shown_in_the_cell(tmp_path):
    with Notebook(tmp_path, ', progress=dlt.progress.tqdm()') as notebook:
        shown = text_of(notebook.run('import time\ndef rows():\n    for n in range(4):\n        time.sleep(0.1)\n        yield {"n": n}\np.run(rows(), table_name="t");'))
        assert "row" in shown
    with Notebook(tmp_path, ', progress=dlt.progress.log(0.1)') as notebook:
        shown = text_of(notebook.run('import time\ndef rows():\n    for n in range(4):\n        time.sleep(0.1)\n        yield {"n": n}\np.run(rows(), table_name="t");'))
        assert "Rows: " in shown


def interrupted(notebook, source, ready):
    """Runs a cell and interrupts it when a file says that it is time."""

    def interrupt():
        until = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3)
        import asyncio

        asyncio.run(notebook.client.km.interrupt_kernel())

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
        notebook.run(source)
    thread.join()


def test_an_interrupt_while_reading_loads_nothing_and_the_next_run_goes_on(tmp_path):
    with Notebook(tmp_path) as notebook:
        notebook.run('p.run([{"n": 0}], table_name="t");')
        source = """
import pathlib, time
def rows():
    yield [{"n": 1}]
    pathlib.Path("ready").touch()
    time.sleep(30)
    yield [{"n": 2}]
p.run(rows(), table_name="t")
"""
        started = time.monotonic()
        interrupted(notebook, source, tmp_path / "ready")
        assert time.monotonic() - started < 20
        assert text_of(notebook.run("print(p.has_pending_data, p.dataset().t.select('n').fetchall())")) == "False [(0,)]\n"
        notebook.run('p.run([{"n": 3}], table_name="t");')
        assert text_of(notebook.run("print(sorted(p.dataset().t.select('n').fetchall()))")) == "[(0,), (3,)]\n"


def test_an_interrupt_while_loading_leaves_the_package_for_the_next_run(tmp_path):
    with Notebook(tmp_path) as notebook:
        source = """
import pathlib, time
calls = []
@dlt.destination(batch_size=0, name="slow")
def slow(items, table):
    calls.append(table["name"])
    if len(calls) == 1:
        pathlib.Path("ready").touch()
        time.sleep(30)
q = dlt.pipeline("q", destination=slow())
q.run([{"n": 1}], table_name="t")
"""
        started = time.monotonic()
        interrupted(notebook, source, tmp_path / "ready")
        assert time.monotonic() - started < 20
        assert text_of(notebook.run("print(q.has_pending_data)")) == "True\n"
        told = text_of(notebook.run("info = q.run()\nprint(len(info.loads_ids), q.has_pending_data, calls)"))
        assert told == "1 False ['t', 't']\n"
