"""How either tool runs a step of a scenario: `dlt` in this process, `windlass` as the built binary."""
import datetime, decimal, json, os, pathlib, subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WINDLASS = os.environ.get("WINDLASS_BIN", TARGET / "debug/windlass")
PIPELINE = "interop"

os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL", NORMALIZE__WORKERS="1")

HINTS = ("write_disposition", "primary_key", "merge_key", "columns", "schema_contract", "max_table_nesting", "table_name", "nested_hints")


def typed(value):
    """A value as an inline item of windlass: what JSON lacks is a string whose first character tells the type."""
    if isinstance(value, decimal.Decimal):
        return f"\uf026{value}"
    if isinstance(value, datetime.datetime):
        return f"\uf027{value.isoformat()}"
    if isinstance(value, datetime.date):
        return f"\uf028{value.isoformat()}"
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return value


def windlass(step, place, folder):
    """Runs a step; gives the report of the run."""
    folder.mkdir(parents=True, exist_ok=True)
    resources = [
        {**typed({key: resource[key] for key in (*HINTS, "incremental") if key in resource}), "name": resource["name"],
         "items": [typed(item) for item in resource["items"]],
         # What dlt takes as an argument of `run` becomes a hint of every table.
         **({"file_format": place.file_format} if place.file_format else {})}
        for resource in step["resources"]
    ]
    source = {"type": "inline", "name": PIPELINE, "resources": resources, **step.get("source", {})}
    file = folder / "pipeline.yaml"
    description = {"pipeline": PIPELINE, "dataset": place.dataset, "destination": place.windlass(), "source": source}
    file.write_text(json.dumps(description, ensure_ascii=False))
    environment = {**os.environ, "WINDLASS_DATA_DIR": str(folder / "windlass"), "HOME": str(folder)}
    command = [WINDLASS, "run", file, "--json", *(["--refresh", step["refresh"]] if "refresh" in step else [])]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(f"windlass failed: {run.stdout}{run.stderr}")
    return json.loads(run.stdout)


def dlt(step, place, folder):
    """Runs a step; gives the pipeline."""
    import dlt

    def resource(spec):
        hints = {key: spec[key] for key in HINTS if key in spec}
        if "nested_hints" in hints:
            hints["nested_hints"] = {path: dlt.mark.make_nested_hints(**nested) for path, nested in hints["nested_hints"].items()}
        made = dlt.resource(lambda: iter([spec["items"]] if spec["items"] else []), name=spec["name"], **hints)
        if "incremental" in spec:
            made.apply_hints(incremental=dlt.sources.incremental(**spec["incremental"]))
        return made

    @dlt.source(name=PIPELINE, **step.get("source", {}))
    def source():
        return [resource(spec) for spec in step["resources"]]

    pipeline = dlt.pipeline(pipeline_name=PIPELINE, destination=place.dlt(), dataset_name=place.dataset,
                            pipelines_dir=str(folder / "dlt"))
    pipeline.run(source(), loader_file_format=place.file_format,
                 **({"refresh": step["refresh"]} if "refresh" in step else {}))
    return pipeline
