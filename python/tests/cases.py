"""Recorded cases of the reference, run through the Python API."""

import json
import os
import pathlib
import shutil

from snapshot import decode, differences, of_pipeline, snapshot

HINTS = (
    "write_disposition",
    "primary_key",
    "merge_key",
    "columns",
    "schema_contract",
    "table_name",
    "max_table_nesting",
    "table_format",
    "references",
)


def build(dlt, spec):
    """A resource from its description."""
    hints = {key: decode(spec[key]) for key in HINTS if key in spec}
    if "nested_hints" in spec:
        hints["nested_hints"] = {
            key: dlt.mark.make_nested_hints(**decode(own)) for key, own in spec["nested_hints"].items()
        }

    def rows():
        for page in spec["pages"]:
            yield decode(page)

    resource = dlt.resource(rows, name=spec["name"], **hints)
    if spec.get("incremental"):
        options = decode(spec["incremental"])
        function = options.pop("last_value_func", None)
        if function:
            options["last_value_func"] = {"max": max, "min": min}[function]
        resource.apply_hints(incremental=dlt.sources.incremental(**options))
    if "add_limit" in spec:
        resource.add_limit(**spec["add_limit"])
    return resource


def run_once(dlt, pipeline, run, name):
    """One run of a case; gives step and type of the error."""
    described = run.get("source", {})
    try:
        resources = [build(dlt, spec) for spec in run["resources"]]
        options = {
            key: decode(described[key])
            for key in ("schema_contract", "max_table_nesting", "root_key")
            if key in described
        }

        @dlt.source(name=described.get("name", name), **options)
        def source():
            return resources

        arguments = {
            key: decode(run[key]) for key in ("schema_contract", "refresh", "write_disposition") if key in run
        }
        pipeline.run(source(), **arguments)
    except Exception as cause:
        root = cause
        while getattr(root, "__cause__", None) is not None and not type(root.__cause__).__name__ == "EngineError":
            root = root.__cause__
        pipeline.drop_pending_packages()
        return {"step": getattr(cause, "step", None), "type": type(root).__name__, "text": str(cause)}
    return None


def without_state_loads(recorded, sources, counts):
    """A recorded snapshot without the loads of the state alone.

    Where a run of a second source changes the state, the reference loads it after the rows, as a load of the pipeline's first
    schema; this engine commits both together. `sources`: those of all runs; `counts`: the recorded number of loads after
    each run so far, grows by one.
    """
    recorded = json.loads(json.dumps(recorded))
    loads = recorded.get("meta", {}).get("_dlt_loads") or []
    counts.append(len(loads))
    default = recorded.get("state", {}).get("default_schema_name")

    def is_of_state(index):
        run = next((run for run, count in enumerate(counts) if index < count), 0)
        return loads[index][0] == default and sources[run] != default

    kept = [index for index in range(len(loads)) if not is_of_state(index)]
    if len(kept) == len(loads):
        return recorded
    for new, old in enumerate(kept):
        recorded["rows"] = renamed(recorded.get("rows"), f"load-{old}", f"load-{new}")
    recorded["meta"]["_dlt_loads"] = [loads[index] for index in kept]
    return recorded


def renamed(value, old, new):
    """A value with another name of a load in the old one's place, as a value or in brackets."""
    if isinstance(value, list):
        return [renamed(item, old, new) for item in value]
    if isinstance(value, dict):
        return {key: renamed(item, old, new) for key, item in value.items()}
    return {old: new, f"<{old}>": f"<{new}>"}.get(value, value) if isinstance(value, str) else value


def run_case(dlt, case, folder, monkeypatch):
    """The differences between a recorded case and what this package makes of it."""
    folder = pathlib.Path(folder)
    described = case["pipeline"]
    name = described.get("name", "conf")
    database = folder / "out.duckdb"
    for key, value in described.get("config", {}).items():
        monkeypatch.setenv(key, value)

    def make():
        return dlt.pipeline(
            pipeline_name=name,
            destination=dlt.destinations.duckdb(str(database)),
            dataset_name=described.get("dataset", "data"),
            pipelines_dir=str(folder / "pl"),
        )

    pipeline = make()
    lines, load_counts = [], []
    sources = [run.get("source", {}).get("name", name) for run in case["runs"]]
    for index, (run, expected) in enumerate(zip(case["runs"], case["expected"])):
        expected = without_state_loads(expected, sources, load_counts)
        if run.get("fresh_pipeline"):
            shutil.rmtree(folder / "pl")
            pipeline = make()
        error = run_once(dlt, pipeline, run, name)
        wanted = expected.get("error")
        if (error is None) != (wanted is None):
            lines.append(f"run {index}: error {wanted} expected, {error} found")
            continue
        found = of_pipeline(pipeline)
        if database.exists():
            found.update(snapshot(database, pipeline.dataset_name))
        counts = None
        if error is None and pipeline.last_trace and pipeline.last_trace.last_normalize_info:
            counts = dict(sorted(pipeline.last_trace.last_normalize_info.row_counts.items()))
        found["row_counts"] = counts
        told = {key: value for key, value in expected.items() if key != "error" and key in found}
        told = json.loads(json.dumps(told))
        if not told.get("row_counts"):
            told.pop("row_counts", None)
        found = json.loads(json.dumps({key: value for key, value in found.items() if key in told}))
        lines += [f"run {index}: {line}" for line in differences(told, found)]
    for key in described.get("config", {}):
        os.environ.pop(key, None)
    return lines
