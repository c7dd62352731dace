"""Hints dynamic nesting."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: row["type"], max_table_nesting=0)
    def events():
        yield [{"type": "a", "v": [{"x": 1}]}, {"type": "b", "v": [2]}]
    p = duck(dlt, workdir)
    p.run(events())
    return p
