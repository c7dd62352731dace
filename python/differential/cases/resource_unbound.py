"""Resource unbound."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t(n):
        yield {"n": n}
    p = duck(dlt, workdir)
    return [failure(p.run, t)]
