"""Inc row order asc end."""

from _base import duck


def run(dlt, workdir):
    pulled = []
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", initial_value=0, end_value=8, row_order="asc")):
        for start in (0, 5, 10):
            pulled.append(start)
            yield [{"ts": i} for i in range(start, start + 5)]
    p = duck(dlt, workdir)
    p.run(t())
    return [p, pulled]
