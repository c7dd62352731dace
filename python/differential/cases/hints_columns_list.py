"""Hints columns list."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(columns=[{"name": "a", "data_type": "double"}, {"name": "c", "data_type": "date"}])
    def t():
        yield {"a": 1, "c": "2024-01-01"}
    p = duck(dlt, workdir)
    p.run(t())
    return p
