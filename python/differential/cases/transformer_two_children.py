"""Transformer two children."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    @dlt.transformer(data_from=a)
    def b(x):
        yield {"b": x["i"]}
    @dlt.transformer(data_from=a)
    def c(x):
        yield {"c": x["i"]}
    @dlt.source
    def s():
        return a, b, c
    p = duck(dlt, workdir)
    p.run(s().with_resources("b", "c"))
    return p
