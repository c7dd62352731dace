"""Inc replace."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(write_disposition="replace")
    def t(rows, at=dlt.sources.incremental("ts")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": 2}])); p.run(t([{"ts": 1}])); return p
