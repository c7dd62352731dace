"""Inc override."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", initial_value=0)):
        yield rows
    p = duck(dlt, workdir)
    p.run(t([{"ts": i} for i in range(5)], at=dlt.sources.incremental(initial_value=3)))
    return p
