"""Input that is made to be costly: time in proportion to it, memory within the limit, an end in any case."""
import json, os, statistics, subprocess, sys, time, zlib

KEYS = 20_000
SPREAD = 2_000
LEVELS = 900
FILES = 10_000
MEGABYTES = 600
MAX_MEMORY = 512 << 20


def run(windlass, folder, *options, resource="", code=0):
    """Seconds, bytes of memory at the peak, and what was said, of a run over `data/*` in a folder."""
    file = folder / "p.yaml"
    file.write_text("pipeline: p\ndataset: d\ndestination: {type: duckdb, credentials: out.duckdb}\n"
                    "source:\n  type: filesystem\n  bucket_url: data\n  resources:\n"
                    f"    - {{name: t, file_glob: '*'{resource}}}\n")
    said = folder / "said"
    started = time.perf_counter()
    with open(said, "w") as out:
        process = subprocess.Popen([windlass, "run", "p.yaml", *options], cwd=folder, stdout=out, stderr=out,
                                   env={**os.environ, "WINDLASS_DATA_DIR": str(folder / "work")})
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        sys.exit(f"windlass ended with {process.returncode}: {said.read_text()[-2000:]}")
    return seconds, usage.ru_maxrss * 1024, said.read_text()


def median(rounds, fresh, windlass, write, **more):
    """The median of the seconds and of the memory, each round in a folder of its own."""
    def once():
        folder = fresh()
        (folder / "data").mkdir()
        write(folder / "data")
        return run(windlass, folder, **more)
    results = [once() for _ in range(rounds)]
    return (statistics.median(result[at] for result in results) for at in (0, 1))


def keys_of_a_record(data):
    (data / "a.jsonl").write_text(json.dumps({f"key_{i}": i for i in range(KEYS)}) + "\n")


def keys_of_records(data):
    (data / "a.jsonl").write_text("".join(json.dumps({"id": i, f"key_{i}": i}) + "\n" for i in range(SPREAD)))


def levels(data):
    (data / "a.jsonl").write_text('{"a":' + "[" * LEVELS + "1" + "]" * LEVELS + "}\n")


def siblings(data):
    (data / "a.jsonl").write_text(json.dumps({f"list_{i}": [1] for i in range(LEVELS)}) + "\n")


def files(data):
    for i in range(FILES):
        (data / f"{i}.jsonl").write_text(f'{{"id": {i}}}\n')


def long_line(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b'{"s": "')
    for _ in range(MEGABYTES):
        packed += packer.compress(b"a" * (1 << 20))
    (data / "a.jsonl.gz").write_bytes(packed + packer.compress(b'"}\n') + packer.flush())


def one_record(data):
    (data / "a.jsonl").write_text('{"id": 1}\n')


def bench(table, rounds, fresh, windlass):
    seconds, _ = median(rounds, fresh, windlass, keys_of_a_record)
    table.add(f"{KEYS:,} new keys of a record", f"{seconds:.2f} s", "", "", "<= 1 s", seconds <= 1)
    # A column for each and a row for each: the cells that DuckDB stores grow with the square.
    seconds, memory = median(min(rounds, 3), fresh, windlass, keys_of_records)
    table.add(f"{SPREAD:,} new keys, one in each record", f"{seconds:.2f} s, {memory / 1e6:.0f} MB", "", "", "measured", True)
    flat, _ = median(rounds, fresh, windlass, siblings)
    deep, _ = median(rounds, fresh, windlass, levels)
    table.add(f"{LEVELS} lists beside each other, a table each", f"{flat:.2f} s", "", "", "<= 3 s", flat <= 3)
    table.add(f"{LEVELS} lists in each other", f"{deep:.2f} s", f"beside each other {flat:.2f} s", f"{deep / flat:.2f}",
              "<= 1.2", deep <= 1.2 * flat)
    seconds, _ = median(min(rounds, 3), fresh, windlass, files)
    table.add(f"{FILES:,} files of a record", f"{seconds:.2f} s", "", "", "measured", True)
    _, memory = median(min(rounds, 3), fresh, windlass, long_line, code=1)
    table.add(f"peak memory of a line of {MEGABYTES} MB in a gzip file, refused", f"{memory / 1e6:.0f} MB", "", "",
              f"<= {MAX_MEMORY >> 20} MiB", memory <= MAX_MEMORY)
    for expression in ("def f: f; f", "repeat(.)", "{a: ([range(1000000000)] | length)}", "def f: 1 + f; f",
                       "{a: (reduce range(60) as $i (\"xx\"; . + .) | length)}"):
        step = json.dumps(expression)
        seconds, memory = median(1, fresh, windlass, one_record, resource=f", steps: [{{map: {step}}}]", code=1)
        table.add(f"a step without end, `{expression}`", f"{seconds:.2f} s, {memory / 1e6:.0f} MB", "", "", "<= 5 s, 1 GB",
                  seconds <= 5 and memory <= 1e9)


BENCHES = {"costly": bench}
