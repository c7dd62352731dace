"""Current names."""

from _base import duck


def run(dlt, workdir):
    got = []
    @dlt.resource
    def t():
        got.extend([dlt.current.resource_name(), dlt.current.source().name, dlt.current.source_schema().name])
        yield {"a": 1}
    p = duck(dlt, workdir)
    p.run(t())
    return [got]
