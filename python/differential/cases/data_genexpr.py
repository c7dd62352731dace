"""Data genexpr."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(r for r in ROWS)
    return p
