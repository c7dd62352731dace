"""Resource bound twice."""

from _base import failure


def run(dlt, workdir):
    @dlt.resource
    def t(n):
        yield {"n": n}
    return [failure(t(1), 2), failure(t, 1, 2), failure(t, m=1)]
