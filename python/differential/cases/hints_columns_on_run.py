"""Hints columns on run."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": 1}], table_name="t", columns={"a": {"data_type": "text"}})
    return p
