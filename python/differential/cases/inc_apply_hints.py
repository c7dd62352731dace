"""Inc apply hints."""

from _base import duck


def run(dlt, workdir):
    def g(rows):
        r = dlt.resource(rows, name="t"); r.apply_hints(incremental=dlt.sources.incremental("ts")); return r
    p = duck(dlt, workdir); p.run(g([{"ts": 1}, {"ts": 2}])); p.run(g([{"ts": 1}, {"ts": 3}])); return p
