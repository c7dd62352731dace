"""Transformer chain."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    @dlt.transformer(data_from=a)
    def b(x):
        yield {"i": x["i"] * 10}
    @dlt.transformer(data_from=b)
    def c(x):
        yield {"i": x["i"] + 1}
    p = duck(dlt, workdir)
    p.run([a, b, c])
    return p
