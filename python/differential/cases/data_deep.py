"""Data deep."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": [{"b": [{"c": [{"d": 1}]}]}]}], table_name="t")
    return p
