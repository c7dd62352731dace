"""Hints upsert."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition={"disposition": "merge", "strategy": "upsert"})
    def t(rows):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"id": 1, "v": 1}])); p.run(t([{"id": 1, "v": 2}, {"id": 2, "v": 3}])); return p
