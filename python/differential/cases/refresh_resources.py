"""Refresh resources."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s(n):
        return dlt.resource([{"a": n}], name="x"), dlt.resource([{"b": n}], name="y")
    p = duck(dlt, workdir)
    p.run(s(1))
    p.run(s(2).with_resources("x"), refresh="drop_resources")
    return p
