"""Inc parent."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a(rows, at=dlt.sources.incremental("ts")):
        yield rows
    @dlt.transformer
    def b(x):
        yield [{"n": r["ts"]} for r in x]
    p = duck(dlt, workdir); p.run(a([{"ts": 1}]) | b); p.run(a([{"ts": 1}, {"ts": 2}]) | b); return p
