"""Hints max nesting source."""

from _base import duck


def run(dlt, workdir):
    @dlt.source(max_table_nesting=0)
    def s():
        return dlt.resource([{"a": [{"b": 1}], "o": {"x": 1}}], name="t")
    p = duck(dlt, workdir)
    p.run(s())
    return p
