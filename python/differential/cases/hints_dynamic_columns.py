"""Hints dynamic columns."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: row["type"], columns=lambda row: {"v": {"data_type": "text"}})
    def events():
        yield [{"type": "a", "v": 1}, {"type": "b", "v": 2}]
    p = duck(dlt, workdir)
    p.run(events())
    return p
