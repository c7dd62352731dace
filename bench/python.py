"""The Python package beside dlt 1.31.0: the same script under both, generators of dicts and frames, time and memory."""
import json, os, pathlib, shutil, statistics, subprocess, sys

EVENTS = int(os.environ.get("BENCH_EVENTS", 100_000))
FRAME_ROWS = int(os.environ.get("BENCH_FRAME_ROWS", 10_000_000))
SIDE = pathlib.Path(__file__).resolve().parent / "python_side.py"
PACKAGES = ["numpy", "polars", "pyarrow"]

# dlt without any setting, and with those that make it fastest.
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false"}
BEST = {**QUIET, "BENCH_BEST": "1", "NORMALIZE__WORKERS": "2", "DATA_WRITER__FILE_MAX_ITEMS": "25000",
        "DATA_WRITER__DISABLE_COMPRESSION": "true"}


def package(root, target):
    """A folder with the package as a wheel has it: its files, and the extension as it is released."""
    subprocess.run(["cargo", "build", "--release", "-p", "windlass-python"], cwd=root, check=True)
    place = root / "bench/data/package"
    shutil.rmtree(place, ignore_errors=True)
    ignored = shutil.ignore_patterns("_windlass*.so", "libduckdb*", "__pycache__")
    shutil.copytree(root / "python/windlass", place / "windlass", ignore=ignored)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    shutil.copy(target / f"release/lib_windlass.{suffix}", place / "windlass/_windlass.abi3.so")
    (place / f"windlass/libduckdb.{suffix}").symlink_to(root / f".libduckdb/libduckdb.{suffix}")
    return place


class Sides:
    """Runs the sides in processes of their own."""

    def __init__(self, root, target, python, fresh):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        self.python, self.fresh = python, fresh
        self.package = package(root, target)

    def run(self, library, script, place, count, settings=QUIET):
        """Seconds, and bytes of memory that the run took at its peak, beside the interpreter and what the script holds itself."""
        folder = self.fresh()
        environment = {**os.environ, **settings, "PYTHONPATH": str(self.package), "WINDLASS_DATA_DIR": f"{folder}/data",
                       "DLT_DATA_DIR": f"{folder}/dlt"}
        command = [self.python, SIDE, library, script, place, folder, str(count)]
        with open(folder / "report.json", "w+") as out:
            done = subprocess.run(list(map(str, command)), stdout=out, stderr=subprocess.DEVNULL, env=environment, cwd=folder)
            if done.returncode:
                sys.exit(f"{library} failed: {' '.join(map(str, command))}")
            out.seek(0)
            found = json.loads(out.read().splitlines()[-1])
        if found["rows"] != count:
            sys.exit(f"{library} loaded {found['rows']} of {count} rows: {' '.join(map(str, command))}")
        return found["seconds"], found["memory"] * 1024

    def compare(self, rounds, script, place, count, settings):
        """Medians of seconds and peaks of windlass, and of dlt under each of the settings; they take turns."""
        names = [("windlass", QUIET), *(("dlt", own) for own in settings)]
        found = [[] for _ in names]
        for number in range(rounds):
            for (library, own), runs in zip(names, found):
                # What takes minutes is not repeated.
                if number == 0 or runs[0][0] < 30:
                    runs.append(self.run(library, script, place, count, own))
        return [tuple(statistics.median(values) for values in zip(*runs)) for runs in found]


def mb(size):
    return f"{size / 1e6:,.0f} MB"


def load(table, sides, rounds, what, script, place, count, target):
    """Rows of the table for one script and one place."""
    settings = [QUIET] if script in ("arrow", "polars") else [QUIET, BEST]
    ours, dlt, *best = sides.compare(rounds, script, place, count, settings)
    work = f"Python: {count:,} {what} to {'DuckDB' if place == 'duckdb' else 'Parquet'}"
    for name, other in [("dlt, the same script,", dlt), *(("dlt with settings that make it fastest", other) for other in best)]:
        ratio = other[0] / ours[0]
        table.add(work, f"{ours[0]:.2f} s", f"{name} {other[0]:.2f} s", f"{ratio:.1f}x", f">= {target}x", ratio >= target)
    share = ours[1] / dlt[1]
    table.add("memory that it takes", mb(ours[1]), f"dlt {mb(dlt[1])}", f"{share:.2f}", "<= 0.5", share <= 0.5)


def bench_events(table, rounds, sides):
    for place in ("parquet", "duckdb"):
        load(table, sides, rounds, "nested dicts of a generator", "events", place, EVENTS, 10)


def bench_frames(table, rounds, sides):
    for place in ("parquet", "duckdb"):
        load(table, sides, rounds, "rows of an Arrow table", "arrow", place, FRAME_ROWS, 3)
    load(table, sides, rounds, "rows of a polars frame", "polars", "duckdb", FRAME_ROWS, 3)


def bench_import(table, rounds, sides):
    """The import alone, its modules not in memory: wall time inside a fresh interpreter."""
    code = "import time; s = time.perf_counter(); import windlass; print(time.perf_counter() - s)"
    environment = {**os.environ, "PYTHONPATH": str(sides.package)}

    def once():
        out = subprocess.run([sides.python, "-c", code], check=True, capture_output=True, text=True, env=environment)
        return float(out.stdout)

    seconds = statistics.median(once() for _ in range(20))
    table.add("Python: import windlass", f"{seconds * 1000:.0f} ms", "", "", "<= 100 ms", seconds <= 0.1)


BENCHES = {"python-events": bench_events, "python-frames": bench_frames, "python-import": bench_import}
