#!/usr/bin/env python3
"""Runs the same scripts under dlt and under windlass, and compares what came of them.

usage: run.py CASES_DIR [NAME ...]   with DLT_PYTHON and WINDLASS_PYTHON naming the two interpreters

A script defines `run(dlt, workdir)` and gives what is to be compared: pipelines, and any values that JSON can hold.
Of a pipeline its destination is compared (tables, columns, types, rows, links), its schemas with their hashes and its
state. `DIFFERS = {"part": "reason"}` in a script names a part that is different on purpose.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]


def run_all(engine, python, cases, names):
    """The results of all scripts under one of the two."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        environment = dict(
            os.environ,
            RUNTIME__DLTHUB_TELEMETRY="false",
            RUNTIME__LOG_LEVEL="CRITICAL",
            PYTHONPATH=str(HERE.parent),
        )
        environment.pop("PYTEST_CURRENT_TEST", None)
        command = [python, str(HERE / "worker.py"), engine, str(cases), out.name, *names]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        text = pathlib.Path(out.name).read_text(encoding="utf-8")
        if not text:
            raise SystemExit(f"{engine} broke down:\n{done.stderr}")
        return json.loads(text)


def known(cases, names, python):
    """The results under dlt; kept in the folder that DIFFERENTIAL_CACHE names, as long as a script does not change."""
    import hashlib

    cache = os.environ.get("DIFFERENTIAL_CACHE")
    if not cache:
        return run_all("dlt", python, cases, names)
    results = {}
    # What scripts share stands in files of their own.
    base = b"".join(path.read_bytes() for path in sorted(cases.glob("_*.py")))
    worker = (HERE / "worker.py").read_bytes()

    def place(name):
        text = base + worker + (cases / f"{name}.py").read_bytes()
        return pathlib.Path(cache) / f"{name}-{hashlib.sha256(text).hexdigest()[:16]}.json"

    missing = [name for name in names if not place(name).exists()]
    if missing:
        pathlib.Path(cache).mkdir(parents=True, exist_ok=True)
        for name, result in run_all("dlt", python, cases, missing).items():
            place(name).write_text(json.dumps(result), encoding="utf-8")
    for name in names:
        results[name] = json.loads(place(name).read_text(encoding="utf-8"))
    return results


def compare(cases, names, dlt_python, windlass_python):
    """The differences of each script, by name."""
    from snapshot import differences

    expected = known(cases, names, dlt_python)
    found = run_all("windlass", windlass_python, cases, names)
    result = {}
    for name in expected:
        differs = expected[name].pop("differs", {})
        found[name].pop("differs", None)
        lines = differences(expected[name], found[name])
        result[name] = [line for line in lines if not any(part in line for part in differs)]
    return result


def main():
    cases = pathlib.Path(sys.argv[1]).resolve()
    names = sys.argv[2:] or sorted(path.stem for path in cases.glob("*.py") if not path.stem.startswith("_"))
    dlt_python = os.environ.get("DLT_PYTHON", "/opt/dlt-venv/bin/python")
    windlass_python = os.environ.get("WINDLASS_PYTHON", sys.executable)
    failed = 0
    for name, lines in compare(cases, names, dlt_python, windlass_python).items():
        failed += bool(lines)
        print(f"FAILED {name}" if lines else f"ok {name}")
        for line in lines[:12]:
            print(f"    {line}")
    print(f"{len(names) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
