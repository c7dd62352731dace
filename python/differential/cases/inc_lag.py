"""Inc lag."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", lag=2)):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": i} for i in range(10)])); p.run(t([{"ts": i} for i in range(5, 12)])); return p
