"""Hints primary key merge."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition="merge")
    def t(v):
        yield [{"id": 1, "v": v}, {"id": 2, "v": v}]
    p = duck(dlt, workdir); p.run(t("a")); p.run(t("b")); return p
