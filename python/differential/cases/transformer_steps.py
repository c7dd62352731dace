"""Transformer steps."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}, {"i": 3}]
    @dlt.transformer(data_from=a)
    def b(x):
        yield [{"i": x["i"], "k": k} for k in range(2)]
    a.add_filter(lambda r: r["i"] != 2)
    b.add_map(lambda r: {**r, "m": True})
    p = duck(dlt, workdir)
    p.run([a, b])
    return p
