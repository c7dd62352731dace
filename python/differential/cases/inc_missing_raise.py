"""Inc missing raise."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t(at=dlt.sources.incremental("ts")):
        yield [{"x": 1}]
    p = duck(dlt, workdir)
    return [failure(p.run, t())]
