"""Data second run new columns."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); p.run([{"a": "x", "b": 2}], table_name="t"); return p
