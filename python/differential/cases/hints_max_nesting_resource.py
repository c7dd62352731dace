"""Hints max nesting resource."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(max_table_nesting=1)
    def t():
        yield {"a": [{"b": [{"c": 1}]}]}
    p = duck(dlt, workdir)
    p.run(t())
    return p
