"""Data list."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    return p
