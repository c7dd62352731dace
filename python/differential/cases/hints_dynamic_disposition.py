"""Hints dynamic disposition."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda row: row["type"], write_disposition=lambda row: "replace" if row["type"] == "b" else "append", primary_key="id")
    def events(n):
        yield [{"type": "a", "id": n}, {"type": "b", "id": n}]
    p = duck(dlt, workdir)
    p.run(events(1))
    p.run(events(2))
    return p
