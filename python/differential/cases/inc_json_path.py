"""Inc json path."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("meta.at")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"meta": {"at": 1}}])); p.run(t([{"meta": {"at": 1}}, {"meta": {"at": 2}}])); return p
