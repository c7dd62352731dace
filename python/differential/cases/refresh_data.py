"""Refresh data."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s(n):
        return dlt.resource([{"a": n}], name="x")
    p = duck(dlt, workdir)
    p.run(s(1))
    p.run(s(2), refresh="drop_data")
    return p
