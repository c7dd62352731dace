"""Data empty list."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([], table_name="t")
    return p
