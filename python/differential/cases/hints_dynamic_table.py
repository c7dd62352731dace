"""Hints dynamic table."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: row["type"])
    def events():
        yield [{"type": "a", "x": 1}, {"type": "b", "y": 2}]
        yield {"type": "a", "x": 3}
    p = duck(dlt, workdir)
    p.run(events())
    p.run(events())
    return p
