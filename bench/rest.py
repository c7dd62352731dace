"""Pages of a REST API from a server of this machine to DuckDB, beside the pure waiting time and beside dlt."""
import json, os, pathlib, statistics, subprocess, sys, time

PAGES = int(os.environ.get("BENCH_PAGES", 1000))
RECORDS = 100
DELAY = 5
PARALLEL = 8

DLT = """
import os, sys, time
url, way, folder = sys.argv[1:]
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", NORMALIZE__WORKERS="2", DATA_WRITER__DISABLE_COMPRESSION="true",
    DATA_WRITER__FILE_MAX_ITEMS="25000", EXTRACT__WORKERS="8", EXTRACT__MAX_PARALLEL_ITEMS="32", DLT_DATA_DIR=folder + "/dlt")
import dlt
from dlt.sources.rest_api import rest_api_source
def resource(name, path):
    return {"name": name, "table_name": "records", "parallelized": way == "parallel",
            "endpoint": {"path": path, "data_selector": "data",
                         "paginator": {"type": "page_number", "base_page": 1, "total_path": "pages"}}}
if __name__ == "__main__":
    started = time.perf_counter()
    # Its paginators ask for one page after the other, so the parallel side is eight resources with an eighth each.
    resources = [resource(f"part{k}", f"part/{k}/records") for k in range(8)] if way == "parallel" else [resource("records", "records")]
    pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(folder + "/dlt.duckdb"), dataset_name="data")
    pipeline.run(rest_api_source({"client": {"base_url": url}, "resources": resources}), loader_file_format="parquet")
    seconds = time.perf_counter() - started
    with pipeline.sql_client() as client:
        print(client.execute_sql("SELECT count(*) FROM records")[0][0], seconds)
"""


class Api:
    """The server; `fetch` is a client that does nothing but read."""

    def __init__(self, binary, delay):
        self.binary = binary
        command = [binary, "serve", "--pages", PAGES, "--records", RECORDS, "--delay-ms", delay]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self.url = f"http://{self.address}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def fetch(self, connections=1):
        command = [self.binary, "fetch", self.address, "--pages", PAGES, "--connections", connections]
        return float(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)


def windlass(fresh, binary, url, way):
    """Seconds of a whole process."""
    work = fresh()
    resource = {"name": "records", "endpoint": {"data_selector": "data", "paginator": {
        "type": "page_number", "base_page": 1, "total_path": "pages"}}}
    if way == "parallel":
        resource["read_ahead"] = PARALLEL
    description = {
        "pipeline": "bench", "dataset": "data",
        "destination": {"type": "duckdb", "credentials": str(work / "windlass.duckdb")},
        "source": {"type": "rest_api", "client": {"base_url": url}, "resources": [resource]},
    }
    file = work / "bench.yaml"
    file.write_text(json.dumps(description))
    environment = {**os.environ, "WINDLASS_DATA_DIR": str(work / "data")}
    started = time.perf_counter()
    run = subprocess.run([binary, "run", file, "--json"], env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if run.returncode:
        sys.exit(f"windlass failed: {run.stdout}{run.stderr}")
    check(json.loads(run.stdout)["packages"][0]["rows"]["records"])
    return seconds


def dlt(fresh, python, url, way):
    """Seconds without the start of Python."""
    work = fresh()
    (work / "script.py").write_text(DLT)
    run = subprocess.run([python, work / "script.py", url, way, work], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"dlt failed: {run.stderr}")
    rows, seconds = run.stdout.split()[-2:]
    check(int(rows))
    return float(seconds)


def check(rows):
    expected = PAGES // PARALLEL * PARALLEL * RECORDS
    if rows not in (expected, PAGES * RECORDS):
        sys.exit(f"{rows} rows were loaded, not {expected}")


def bench(table, rounds, fresh, binary, python, target):
    sides = {}

    def median(name):
        return statistics.median(sides[name])

    def measure(name, seconds):
        sides.setdefault(name, []).append(seconds)

    with Api(target / "release/api", 0) as fast, Api(target / "release/api", DELAY) as slow:
        for turn in range(rounds):
            measure("transfer", fast.fetch())
            measure("bare", slow.fetch())
            measure("bare parallel", slow.fetch(PARALLEL))
            measure("sequential", windlass(fresh, binary, slow.url, "sequential"))
            measure("parallel", windlass(fresh, binary, slow.url, "parallel"))
            measure("no latency", windlass(fresh, binary, fast.url, "sequential"))
            # dlt takes minutes for all rounds.
            if turn < 3:
                measure("dlt sequential", dlt(fresh, python, slow.url, "sequential"))
                measure("dlt parallel", dlt(fresh, python, slow.url, "parallel"))
                measure("dlt no latency", dlt(fresh, python, fast.url, "sequential"))
    work = f"{PAGES:,} pages x {RECORDS} nested records to DuckDB"
    waiting = PAGES * DELAY / 1000 + median("transfer")
    ours, parallel, direct = median("sequential"), median("parallel"), median("no latency")
    table.add(f"{work}, {DELAY} ms latency", f"{ours:.2f} s", f"pure waiting and transfer {waiting:.2f} s (a bare client {median('bare'):.2f} s)",
              f"{ours / waiting:.2f}", "<= 1.15", ours / waiting <= 1.15)
    beside(table, "the same", ours, median("dlt sequential"), None)
    table.add(f"the same, {PARALLEL} requests at once", f"{parallel:.2f} s",
              f"sequential {ours:.2f} s (a bare client {median('bare parallel'):.2f} s)", f"{ours / parallel:.1f}x", ">= 6x", ours / parallel >= 6)
    beside(table, "the same, in parallel", parallel, median("dlt parallel"), None)
    beside(table, "the same, no latency", direct, median("dlt no latency"), 20)


def beside(table, work, ours, theirs, target):
    ratio = theirs / ours
    table.add(work, f"{ours:.2f} s", f"dlt {theirs:.2f} s", f"{ratio:.1f}x", f">= {target}x" if target else "measured",
              target is None or ratio >= target)
