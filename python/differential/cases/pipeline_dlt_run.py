"""Pipeline dlt run."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    dlt.run([{"a": 1}], table_name="t")
    return p
