"""Hints scd2."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(write_disposition={"disposition": "merge", "strategy": "scd2"})
    def t(rows):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"id": 1, "v": 1}, {"id": 2, "v": 1}])); p.run(t([{"id": 1, "v": 2}])); return p
