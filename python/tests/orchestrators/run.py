#!/usr/bin/env python3
"""Runs the checks of notebooks and orchestrators, each against the real package in an environment of its own.

usage: run.py [notebook] [dagster] [prefect] [airflow] [airflow2]      all of them, if none is named

The environments are made from PyPI under ~/.cache/windlass/orchestrators (or $WINDLASS_ORCHESTRATORS) and used again. windlass is
put on their path as it lies in this repository, and has to be built (`make python`, or `maturin develop` in python/).
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parents[1]
CACHE = pathlib.Path(
    os.environ.get("WINDLASS_ORCHESTRATORS") or pathlib.Path.home() / ".cache" / "windlass" / "orchestrators"
)
SHARED = ["pytest", "duckdb", "pyarrow"]
#: What each check needs beside windlass.
PACKAGES = {
    "notebook": ["nbclient", "ipykernel", "pandas", "tqdm"],
    "dagster": ["dagster>=1.10,<2"],
    # The server of Prefect 3.8 does not start with later ones of FastAPI.
    "prefect": ["prefect>=3.1,<4", "fastapi<0.120"],
    "airflow": ["apache-airflow>=3.0,<4", "pyyaml"],
    "airflow2": ["apache-airflow>=2.10,<3", "pyyaml"],
}
#: The checks of an environment, where they are not of its name: what is the same in Airflow 2.
CHECKS = {"airflow2": ("airflow", "dag_loads or tried_again or at_once or refused")}


def interpreter(name):
    """The interpreter of an environment, which is made if it is missing or had other packages."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    wanted = hashlib.sha256("\n".join(PACKAGES[name] + SHARED).encode()).hexdigest()
    stamp = folder / "windlass-packages"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    if not python.exists():
        venv.create(folder, with_pip=True, symlinks=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[name], *SHARED], check=True)
    stamp.write_text(wanted)
    return python


def main():
    names = sys.argv[1:] or list(PACKAGES)
    unknown = [name for name in names if name not in PACKAGES]
    if unknown:
        raise SystemExit(f"there is no check {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    failed = []
    for name in names:
        started = time.monotonic()
        python = interpreter(name)
        made = time.monotonic()
        environment = dict(os.environ, PYTHONPATH=str(PYTHON), PYTHONDONTWRITEBYTECODE="1")
        checks, only = CHECKS.get(name, (name, ""))
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / f"{checks}_checks.py"), "-k", only]
        done = subprocess.run(command, env=environment, cwd=PYTHON)
        if done.returncode:
            failed.append(name)
        print(f"{name}: environment {made - started:.0f} s, checks {time.monotonic() - made:.0f} s", flush=True)
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
