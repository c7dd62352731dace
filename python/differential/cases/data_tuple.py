"""Data tuple."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(tuple(ROWS), table_name="t")
    return p
