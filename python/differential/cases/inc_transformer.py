"""Inc transformer."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    @dlt.transformer(data_from=a)
    def b(x, at=dlt.sources.incremental("ts")):
        yield {"ts": x["i"]}
    p = duck(dlt, workdir)
    p.run(b)
    p.run(b)
    return p
