"""Hints table name."""

from _base import ROWS, duck


def run(dlt, workdir):
    @dlt.resource(table_name="other")
    def t():
        yield ROWS
    p = duck(dlt, workdir)
    p.run(t())
    return p
