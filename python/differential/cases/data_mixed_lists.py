"""Data mixed lists."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([[{"a": 1}], {"a": 2}], table_name="t")
    return p
