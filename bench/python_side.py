#!/usr/bin/env python3
"""One run of one side of the comparison in bench/python.py, in a process of its own.

usage: python_side.py LIBRARY SCRIPT PLACE FOLDER [COUNT]

LIBRARY is `dlt` or `windlass`, SCRIPT one of the functions below, PLACE `duckdb`, `parquet` or `nothing` (only the rows are made).
Prints one line of JSON: the seconds of the run, without the start of Python and the imports, the rows that are then at the place, and
how much memory the run took beyond what was taken before, in KiB at the peak.
"""
import importlib, json, os, pathlib, sys, time

BASE = pathlib.Path(__file__).resolve().parent.parent / "examples/github/github_events.json"


def events(count):
    """Nested events, one dict at a time: real ones of GitHub, each with its own id, time, actor and repository."""
    base = json.loads(BASE.read_text())
    hours = [f"2024-01-{1 + hour // 24:02}T{hour % 24:02}:" for hour in range(24 * 28)]
    minutes = [f"{second // 60:02}:{second % 60:02}Z" for second in range(3600)]
    for index in range(count):
        event = base[index * 7919 % 30].copy()
        event["id"] = str(5_000_000_000 + index)
        event["created_at"] = hours[index // 3600 % 672] + minutes[index % 3600]
        actor = event["actor"] = event["actor"].copy()
        actor["id"] = index * 7919 % 50_000
        event["repo"] = {**event["repo"], "id": index * 31 % 5_000}
        yield event


def table(count):
    """An Arrow table of ten columns, in batches of a million rows."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(7)
    cities = pa.array(["Berlin", "Lagos", "Lima", "Oslo", "Pune", "Quito", "Seoul", "Turin"])

    def batch(start, rows):
        numbers = np.arange(start, start + rows)
        return pa.RecordBatch.from_pydict({
            "id": numbers,
            "at": pa.array(numbers * 1_000_000 + 1_700_000_000_000_000, pa.timestamp("us", "UTC")),
            "user": rng.integers(0, 50_000, rows),
            "amount": rng.random(rows) * 1000,
            "score": pa.array(rng.random(rows), mask=rng.random(rows) < 0.1),
            "count": rng.integers(0, 100, rows),
            "flag": rng.random(rows) < 0.5,
            "city": pa.DictionaryArray.from_arrays(rng.integers(0, 8, rows), cities).dictionary_decode(),
            "day": pa.array((numbers // 100_000).astype("int32"), pa.date32()),
            "code": pa.array(rng.integers(0, 1_000_000, rows)).cast(pa.string()),
        })

    step = min(count, 1_000_000)
    return pa.Table.from_batches([batch(start, min(step, count - start)) for start in range(0, count, step)])


def frame(count):
    """The same as a polars frame."""
    import polars

    return polars.from_arrow(table(count))


SCRIPTS = {"events": events, "arrow": table, "polars": frame}


def memory(what):
    """KiB of this process: `VmRSS` now, `VmHWM` at the peak."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def main():
    library, script, place, folder = sys.argv[1:5]
    count = int(sys.argv[5])
    rows = SCRIPTS[script]
    if place == "nothing":
        started = time.perf_counter()
        for _ in rows(count):
            pass
        print(json.dumps({"seconds": time.perf_counter() - started, "rows": count}))
        return
    dlt = importlib.import_module(library)
    where = dlt.destinations.duckdb(f"{folder}/{library}.duckdb") if place == "duckdb" else dlt.destinations.filesystem(f"{folder}/out")
    # A frame is there before the clock runs; a generator makes its rows while it is read.
    data = rows(count)
    options = {"loader_file_format": "parquet"} if place == "parquet" or os.environ.get("BENCH_BEST") else {}
    # The peak is counted from here on.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    started = time.perf_counter()
    pipeline = dlt.pipeline("bench", destination=where, dataset_name="data", pipelines_dir=f"{folder}/pipelines")
    pipeline.run(data, table_name="events", **options)
    seconds = time.perf_counter() - started
    found = {"memory": memory("VmHWM") - before}
    if place == "duckdb":
        with pipeline.sql_client() as client:
            found["rows"] = client.execute_sql("SELECT count(*) FROM events")[0][0]
    else:
        import pyarrow.parquet as pq

        files = pathlib.Path(f"{folder}/out/data/events").glob("*.parquet")
        found["rows"] = sum(pq.read_metadata(file).num_rows for file in files)
    print(json.dumps({"seconds": seconds, **found}))


if __name__ == "__main__":
    main()
