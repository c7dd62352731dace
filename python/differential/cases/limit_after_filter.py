"""Limit after filter."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        for i in range(10):
            yield {"i": i}
    p = duck(dlt, workdir)
    p.run(t().add_limit(2).add_filter(lambda r: r["i"] % 2))
    return p
