"""Data none value first."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": None}, {"a": 1}], table_name="t")
    return p
