"""Data generator function."""

from _base import ROWS, duck


def run(dlt, workdir):
    def items():
        yield ROWS
    p = duck(dlt, workdir)
    p.run(items)
    return p
