"""Transformer returns none."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    @dlt.transformer(data_from=a)
    def b(x):
        if x["i"] == 2:
            return {"i": 2}
    p = duck(dlt, workdir)
    p.run(b)
    return p
