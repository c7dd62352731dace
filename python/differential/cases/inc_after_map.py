"""Inc after map."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts")):
        yield rows
    p = duck(dlt, workdir)
    for top in (2, 4):
        p.run(t([{"at": i} for i in range(top)]).add_map(lambda r: {"ts": r["at"]}))
    return p
