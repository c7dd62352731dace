"""Data nan."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": 1.5, "b": 1}, {"a": float("nan"), "b": 2}], table_name="t")
    return p
