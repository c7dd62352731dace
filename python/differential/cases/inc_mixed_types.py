"""Inc mixed types."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", initial_value="a")):
        yield [{"ts": 1}]
    p = duck(dlt, workdir)
    return [failure(p.run, t())[:2]]
