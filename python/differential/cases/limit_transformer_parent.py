"""Limit transformer parent."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def users():
        for i in range(5):
            yield {"id": i}
    @dlt.transformer(data_from=users)
    def details(u):
        yield {"user": u["id"]}
    p = duck(dlt, workdir)
    p.run([users.add_limit(2), details])
    return p
