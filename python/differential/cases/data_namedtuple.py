"""Data namedtuple."""

from _base import duck


def run(dlt, workdir):
    from collections import namedtuple
    Row = namedtuple("Row", "id name")
    p = duck(dlt, workdir)
    p.run([{"r": Row(1, "a")}], table_name="t")
    return p
