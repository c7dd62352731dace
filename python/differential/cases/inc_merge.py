"""Inc merge."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition="merge")
    def t(rows, at=dlt.sources.incremental("ts")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"id": 1, "ts": 1}, {"id": 2, "ts": 2}])); p.run(t([{"id": 1, "ts": 3}])); return p
