"""Data scalars."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([1, 2, 3], table_name="t")
    return p
