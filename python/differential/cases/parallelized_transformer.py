"""Parallelized transformer."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        for i in range(5):
            yield {"i": i}
    @dlt.transformer(data_from=a, parallelized=True)
    def b(x):
        return {"i": x["i"] * 2}
    p = duck(dlt, workdir)
    p.run(b)
    return p
