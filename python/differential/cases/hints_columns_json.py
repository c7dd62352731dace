"""Hints columns json."""

from _base import ROWS, duck


def run(dlt, workdir):
    @dlt.resource(columns={"kids": {"data_type": "json"}})
    def t():
        yield ROWS
    p = duck(dlt, workdir)
    p.run(t())
    return p
