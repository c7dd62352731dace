"""Hints dynamic table odd names."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: "ev_" + row["type"])
    def events():
        yield [{"type": "B x", "x": 1}, {"type": "camelCase", "y": 2}]
    p = duck(dlt, workdir)
    p.run(events())
    return p
