"""Pipeline infos."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    info = p.run(ROWS, table_name="t")
    n = p.last_trace.last_normalize_info
    return [n.row_counts, len(info.loads_ids), info.has_failed_jobs, info.dataset_name, sorted(str(n).split("\n")[:4]), [s.step for s in p.last_trace.steps], info.pipeline.pipeline_name]
