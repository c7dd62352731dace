"""The printed forms and keys of what a load tells."""

from _base import duck
from _printed import forms, keys, printed


def run(dlt, workdir):
    p = duck(dlt, workdir)
    info = p.run([{"id": 1, "kids": [{"x": 1}]}], table_name="t")
    package = p.get_load_package_info(info.loads_ids[0])
    again = p.run([{"id": 2}], table_name="t")
    return [
        forms(info),
        printed(str(info)),
        list(info.asdict()),
        sorted(key for key in keys(info.asdict()) if ".tables[]." not in key),
        forms(package),
        list(package.asdict()),
        sorted(package.schema_update),
        forms(again),
        [(job.state, job.job_file_info.table_name) for job in package.jobs["completed_jobs"] if job.job_file_info.table_name == "t"],
        [sorted(m.table_name for m in part["job_metrics"].values()) for part in info.metrics[info.loads_ids[0]]],
    ]
