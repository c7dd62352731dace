"""Runs scripts under one of the two libraries and writes down what came of them."""

import contextlib
import importlib.util
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), sys.argv[2] if len(sys.argv) > 2 else ""]

from snapshot import encode, snapshot  # noqa: E402


def load(path):
    """The module of a script."""
    spec = importlib.util.spec_from_file_location(f"case_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def is_pipeline(value):
    return hasattr(value, "pipeline_name") and hasattr(value, "default_schema_name")


def of_pipeline(pipeline, workdir):
    """What is compared of a pipeline."""
    destination = pipeline.destination
    kind = str(destination.destination_type).rsplit(".", 1)[-1] if destination is not None else None
    found = {"destination": kind}
    dataset = normalized(pipeline)
    if kind == "duckdb":
        place = database_of(pipeline, workdir)
        if place is not None:
            found["data"] = snapshot(place, dataset)
            found["data"]["columns"] = {
                table: columns for table, columns in found["data"]["columns"].items() if not table.startswith("_dlt_")
            }
    elif kind == "filesystem":
        found["data"] = files(pathlib.Path(workdir) / "out" / str(dataset))
    schemas = {}
    for name in sorted(pipeline.schema_names):
        document = pipeline.schemas[name].to_dict()
        for key in ("version", "previous_hashes", "version_hash"):
            document.pop(key, None)
        schemas[name] = encode(document)
        schemas[name]["hash"] = pipeline.schemas[name].stored_version_hash
    found["schemas"] = schemas
    keys = ("sources", "default_schema_name", "schema_names")
    state = {key: value for key, value in pipeline.state.items() if key in keys and value not in ({}, None, [])}
    found["state"] = json.loads(json.dumps(encode(state), default=str))
    return found


def normalized(pipeline):
    name = pipeline.dataset_name
    return re.sub(r"[^a-z0-9_]", "_", name.lower()) if name else None


def database_of(pipeline, workdir):
    paths = sorted(pathlib.Path(workdir).glob("*.duckdb"))
    own = [path for path in paths if path.stem == pipeline.pipeline_name]
    return next(iter(own or paths), None)


def files(folder):
    """The rows of the files of a dataset by table, and the form of their names."""
    import gzip

    rows, names = {}, []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if path.is_dir() or place.startswith(("_dlt", "init", ".")) or "/_dlt" in place:
            continue
        names.append(re.sub(r"\d{10}\.\d+", "LOAD", re.sub(r"\.[0-9a-f]{10}\b", ".FILE", place)))
        table = place.split("/")[0]
        if ".parquet" in place:
            import pyarrow.parquet as pq

            found = pq.read_table(path).to_pylist()
        elif ".csv" in place:
            data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
            found = [{"line": line} for line in data.decode().splitlines()[:1]]
        else:
            data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
            found = [json.loads(line) for line in data.decode().splitlines()]
        for row in found:
            for key in list(row):
                if key.startswith("_dlt") and key != "_dlt_list_idx":
                    row[key] = "<id>"
        rows.setdefault(table, []).extend(json.loads(json.dumps(encode(row), default=str)) for row in found)
    for found in rows.values():
        found.sort(key=lambda row: json.dumps(row, sort_keys=True))
    names = sorted({re.sub(r"\.[A-Za-z0-9_-]{8,16}\.", ".FILE.", name) for name in names})
    return {"rows": rows, "names": names}


def plain(value, workdir):
    """A value as JSON, without the folder of this run."""
    text = json.dumps(encode(value), default=str).replace(str(workdir), "<workdir>")
    return json.loads(text)


def run(engine, path):
    """What came of one script."""
    if engine == "dlt":
        import dlt
    else:
        import windlass as dlt
    workdir = tempfile.mkdtemp(prefix=f"{engine}-")
    before = dict(os.environ)
    os.environ.update(
        DLT_DATA_DIR=f"{workdir}/data", WINDLASS_DATA_DIR=f"{workdir}/data", DLT_PROJECT_DIR=workdir, HOME=f"{workdir}/home"
    )
    os.chdir(workdir)
    script = load(path)
    result = {}
    try:
        quiet = io.StringIO()
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            returned = script.run(dlt, workdir)
        values = list(returned) if isinstance(returned, (list, tuple)) else [returned]
        for index, value in enumerate(values):
            result[str(index)] = of_pipeline(value, workdir) if is_pipeline(value) else plain(value, workdir)
    except BaseException as cause:  # noqa: BLE001 (a script that fails is a result)
        result["error"] = type(cause).__name__
        if os.environ.get("SHOW"):
            traceback.print_exc(file=sys.__stderr__)
            result["traceback"] = traceback.format_exc()[-1500:]
    finally:
        os.chdir("/")
        for key in set(os.environ) - set(before):
            del os.environ[key]
        os.environ.update(before)
        shutil.rmtree(workdir, ignore_errors=True)
    result["differs"] = getattr(script, "DIFFERS", {})
    return result


def main():
    engine, cases, out, *names = sys.argv[1:]
    results = {name: run(engine, pathlib.Path(cases) / f"{name}.py") for name in names}
    pathlib.Path(out).write_text(json.dumps(results, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
