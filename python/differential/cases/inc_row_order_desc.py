"""Inc row order desc."""

from _base import duck


def run(dlt, workdir):
    pulled = []
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", initial_value=12, row_order="desc")):
        for start in (15, 10, 5):
            pulled.append(start)
            yield [{"ts": i} for i in range(start + 4, start - 1, -1)]
    p = duck(dlt, workdir)
    p.run(t())
    return [p, pulled]
