"""Pipeline schema name."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir, "my_pipeline"); p.run([{"a": 1}], table_name="t"); return p
