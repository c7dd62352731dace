"""Resource pipe function."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    r = a() | (lambda row: {"j": row["i"]})
    p = duck(dlt, workdir)
    p.run(r)
    return p
