"""Inc decorator."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(incremental=dlt.sources.incremental("ts"))
    def t(rows):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": 2}])); p.run(t([{"ts": 2}, {"ts": 3}])); return p
