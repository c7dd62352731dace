"""Transformer only."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(selected=False)
    def users():
        yield [{"id": 1}, {"id": 2}]
    @dlt.transformer(data_from=users)
    def details(items):
        return [{"user": u["id"]} for u in items]
    p = duck(dlt, workdir)
    p.run(details)
    return p
