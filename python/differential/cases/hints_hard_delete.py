"""Hints hard delete."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition="merge", columns={"gone": {"hard_delete": True}})
    def t(rows):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"id": 1, "gone": False}, {"id": 2, "gone": False}])); p.run(t([{"id": 1, "gone": True}])); return p
