"""Hints compound key."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(primary_key=("a", "b"), write_disposition="merge")
    def t(v):
        yield [{"a": 1, "b": 1, "v": v}, {"a": 1, "b": 2, "v": v}]
    p = duck(dlt, workdir); p.run(t("a")); p.run(t("b")); return p
