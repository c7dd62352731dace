"""Transformer pipe operator."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def users():
        yield {"id": 1}
        yield {"id": 2}
    @dlt.transformer
    def details(u, factor):
        yield {"user": u["id"] * factor}
    p = duck(dlt, workdir)
    p.run(users | details(10))
    return p
