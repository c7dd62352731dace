"""Pipeline drop."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": 1}], table_name="t")
    p = p.drop()
    return [p.first_run, p.default_schema_name]
