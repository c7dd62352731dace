"""A pipeline in Python, as a user writes it: reads what lies in `in/`, with a cursor."""
import json, pathlib, sys

import windlass as dlt

target, disposition = sys.argv[1:3]


@dlt.resource(name="items", write_disposition=disposition, primary_key="id" if disposition == "merge" else None)
def items(seq=dlt.sources.incremental("seq", initial_value=0)):
    for file in sorted(pathlib.Path("in").glob("*.jsonl")):
        with open(file, encoding="utf-8") as lines:
            yield [json.loads(line) for line in lines]


destination = dlt.destinations.duckdb("o.duckdb") if target == "duckdb" else dlt.destinations.sqlalchemy("sqlite:///o.db")
dlt.pipeline("soak", destination=destination, dataset_name="ds").run(items())
