#!/usr/bin/env python3
"""Loads random files by windlass and looks for every value of theirs, as Python's csv, json and pyarrow have it.

usage: run.py --windlass BINARY [--files N] [--seed S] [--batch B] [--results FILE] [--only SEED] [--kinds json,csv,parquet]

Each seed makes one file. Files are loaded by hundreds, each as a resource of one pipeline. With --results the run goes on
where the file of results stands, until N files were looked at in all; a line holds the commit, the seeds, the count and
the seeds that failed. `--only SEED` loads one file, says all that is wrong with it and keeps it; a seed stands for a file
under the same --kinds only.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import compare  # noqa: E402
import make  # noqa: E402


def load(windlass, folder, files):
    """Runs one pipeline with a resource for each file; gives the exit code and all that was said."""
    resources = []
    (folder / "in").mkdir(parents=True)
    for seed, file in files.items():
        name = f"f{seed}"
        (folder / "in" / f"{name}.{file.ending}").write_bytes(file.bytes)
        resources.append({"name": name, "file_glob": f"{name}.{file.ending}", **file.options})
    pipeline = {
        "pipeline": "p", "dataset": "d", "destination": {"type": "filesystem", "bucket_url": "out"},
        "normalize": {"loader_file_format": "parquet"},
        "source": {"type": "filesystem", "bucket_url": "in", "resources": resources},
    }
    (folder / "p.yaml").write_text(json.dumps(pipeline))
    done = subprocess.run(
        [windlass, "run", "p.yaml"], cwd=folder, capture_output=True, text=True, errors="replace", check=False,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "WINDLASS_DATA_DIR": str(folder / "work"), "NO_COLOR": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def look_at(windlass, seeds, kinds, keep=None):
    """What is wrong with the files of these seeds, by seed."""
    files = {seed: make.file_of(seed, kinds) for seed in seeds}
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = pathlib.Path(keep or tempfile.mkdtemp(prefix="windlass-files-", dir=memory))
    try:
        code, output = load(windlass, folder, files)
        if code != 0 and len(seeds) > 1:
            # One of them stops the run: halves are loaded until it is found.
            middle = len(seeds) // 2
            return {**look_at(windlass, seeds[:middle], kinds), **look_at(windlass, seeds[middle:], kinds)}
        if code != 0:
            return {seeds[0]: [f"exit code {code}: {output[-600:]}"]}
        tables = compare.loaded(folder / "out" / "d", {f"f{seed}" for seed in seeds})
        found = {}
        for seed, file in files.items():
            name = f"f{seed}"
            own = {table: rows for table, rows in tables.items() if table == name or table.startswith(name + "__")}
            lines = [line for line in compare.problems(name, file, own) if not compare.named(line, output)]
            if lines:
                found[seed] = lines
        return found
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def counted(results):
    """How many files were looked at before, and the next seed."""
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    return sum(line["files"] for line in lines), max((line["seeds"][1] for line in lines), default=0)


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windlass", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=tuple(make.KINDS))
    asked = parser.parse_args()
    if asked.only is not None:
        keep = pathlib.Path(tempfile.mkdtemp(prefix=f"windlass-file-{asked.only}-"))
        for line in look_at(asked.windlass, [asked.only], asked.kinds, keep / "run").get(asked.only, ["nothing is wrong"]):
            print(line)
        print(f"its files are in {keep}")
        return 0
    total, seed = counted(asked.results) if asked.results else (0, asked.seed)
    failed, begun, looked = [], time.time(), 0
    while total < asked.files:
        count = min(asked.batch, asked.files - total)
        found = look_at(asked.windlass, list(range(seed, seed + count)), asked.kinds)
        for number, lines in found.items():
            print(f"seed {number} ({make.file_of(number, asked.kinds).ending}): {lines[0]}" + (f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""))
        failed += found
        if asked.results:
            asked.results.parent.mkdir(parents=True, exist_ok=True)
            line = {"commit": commit(), "seeds": [seed, seed + count], "files": count, "failed": sorted(found)}
            with asked.results.open("a") as results:
                results.write(json.dumps(line) + "\n")
        total, seed, looked = total + count, seed + count, looked + count
    took = max(time.time() - begun, 0.001)
    print(f"{looked} files, {len(failed)} failed, {looked / took:.0f} a second; {total} in all")
    if failed:
        print(f"again: run.py --windlass BINARY --kinds {','.join(asked.kinds)} --only {failed[0]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
