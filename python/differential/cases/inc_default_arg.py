"""Inc default arg."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(n, at=dlt.sources.incremental("ts", initial_value=0)):
        yield [{"ts": i, "n": n} for i in range(at.last_value, at.last_value + 3)]
    p = duck(dlt, workdir)
    p.run(t(1))
    p.run(t(2))
    return p
