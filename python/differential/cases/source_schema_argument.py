"""Source schema argument."""

from _base import duck


def run(dlt, workdir):
    schema = dlt.Schema("mine")
    p = duck(dlt, workdir)
    p.run([{"a": 1}], table_name="t", schema=schema)
    return p
