"""Data genexpr named."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run((r for r in ROWS), table_name="named")
    return p
