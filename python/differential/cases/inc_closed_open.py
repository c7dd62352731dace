"""Inc closed open."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", initial_value=5, end_value=15, range_end="closed", range_start="open")):
        yield [{"ts": i} for i in range(20)]
    p = duck(dlt, workdir)
    p.run(t())
    return p
