"""Data generator."""

from _base import ROWS, duck


def run(dlt, workdir):
    def g():
        yield ROWS[0]
        yield ROWS[1]
    p = duck(dlt, workdir)
    p.run(g())
    return p
