"""Inc resource key."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id")
    def t(rows, at=dlt.sources.incremental("ts")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 2, "id": 1, "v": 1}])); p.run(t([{"ts": 2, "id": 1, "v": 2}, {"ts": 2, "id": 2, "v": 2}])); return p
