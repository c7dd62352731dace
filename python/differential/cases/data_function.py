"""Data function."""

from _base import ROWS, duck


def run(dlt, workdir):
    def items():
        return ROWS
    p = duck(dlt, workdir)
    p.run(items)
    return p
