"""Pipeline attach."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run(ROWS, table_name="t"); q = dlt.attach("p", pipelines_dir=workdir + "/pl"); return [q.dataset_name, q.default_schema_name, q.first_run]
