"""Transformer basic."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def users():
        yield [{"id": 1}, {"id": 2}]
    @dlt.transformer(data_from=users)
    def details(items):
        for u in items:
            yield {"user": u["id"], "n": len(items)}
    p = duck(dlt, workdir)
    p.run([users, details])
    return p
