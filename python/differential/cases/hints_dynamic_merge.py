"""Hints dynamic merge."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: row["type"], primary_key="id", write_disposition="merge")
    def events(v):
        yield [{"type": "a", "id": 1, "v": v}, {"type": "b", "id": 1, "v": v}]
    p = duck(dlt, workdir)
    p.run(events(1))
    p.run(events(2))
    return p
