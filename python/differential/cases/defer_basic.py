"""Defer basic."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        @dlt.defer
        def get(i):
            return {"i": i}
        for i in range(5):
            yield get(i)
    p = duck(dlt, workdir)
    p.run(a())
    return p
