"""Hints dedup sort."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition="merge", columns={"n": {"dedup_sort": "desc"}})
    def t():
        yield [{"id": 1, "n": 1}, {"id": 1, "n": 3}, {"id": 1, "n": 2}]
    p = duck(dlt, workdir)
    p.run(t())
    return p
