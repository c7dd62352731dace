"""Inc text."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("at")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"at": "2024-01-05T00:00:00Z"}])); p.run(t([{"at": "2024-01-04T00:00:00Z"}, {"at": "2024-01-06T00:00:00Z"}])); return p
