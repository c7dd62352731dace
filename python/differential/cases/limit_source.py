"""Limit source."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        def g():
            for i in range(5):
                yield {"i": i}
        yield dlt.resource(g, name="a")
        yield dlt.resource(g, name="b")
    p = duck(dlt, workdir)
    p.run(s().add_limit(2))
    return p
