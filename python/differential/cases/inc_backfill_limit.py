"""Inc backfill limit."""

from _base import duck


def run(dlt, workdir):
    def t():
        @dlt.resource
        def t(at=dlt.sources.incremental("ts", row_order="asc")):
            for start in range(0, 20, 5):
                yield [{"ts": i} for i in range(start, start + 5)]
        return t().add_limit(1)
    p = duck(dlt, workdir)
    for _ in range(3):
        p.run(t())
    return p
