"""Data int keys."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{1: "a", "x": {2: "b"}}], table_name="t")
    return p
