"""Hints merge key."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(merge_key="day", write_disposition="merge")
    def t(n):
        yield [{"day": 1, "v": i} for i in range(n)]
    p = duck(dlt, workdir)
    p.run(t(3))
    p.run(t(2))
    return p
