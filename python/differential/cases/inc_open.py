"""Inc open."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", range_start="open")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": 2}])); p.run(t([{"ts": 2}, {"ts": 3}])); return p
