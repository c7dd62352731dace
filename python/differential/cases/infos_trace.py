"""The printed forms and keys of a trace and of its steps."""

from _base import duck
from _printed import forms, keys

#: Kept by the reference's writers only.
LEFT_OUT = ("original_columns", "file_format", "hints[].columns", ".tables[].")


def run(dlt, workdir):
    @dlt.source
    def shop():
        @dlt.resource(primary_key="id", write_disposition="merge")
        def orders(made=dlt.sources.incremental("made", initial_value=1)):
            dlt.current.resource_metrics()["calls"] = 3
            yield [{"id": 1, "made": 2, "kids": [{"x": 1}]}, {"id": 2, "made": 3}]

        @dlt.transformer
        def sizes(item):
            yield {"n": len(item)}

        found = orders()
        return found, found | sizes

    p = duck(dlt, workdir)
    p.run(shop())
    trace = p.last_trace
    extract = trace.last_extract_info
    part = extract.metrics[extract.loads_ids[0]][0]
    document = trace.asdict()
    return [
        forms(trace),
        forms(extract),
        forms(trace.last_normalize_info),
        [step.step for step in trace.steps],
        list(document),
        sorted(key for key in keys(document) if not any(word in key for word in LEFT_OUT) and "resolved" not in key),
        sorted(part["dag"]),
        {name: metrics.items_count for name, metrics in part["resource_metrics"].items()},
        part["resource_metrics"]["orders"].custom_metrics,
        {name: metrics.items_count for name, metrics in part["table_metrics"].items() if name in ("orders", "sizes")},
        sorted(part["hints"]),
        trace.last_normalize_info.row_counts,
    ]
