"""Limit rows."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        for i in range(10):
            yield [{"i": i}, {"i": i + 100}, {"i": i + 200}]
    p = duck(dlt, workdir)
    p.run(t().add_limit(4, count_rows=True))
    return p
