"""Parallelized."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(parallelized=True)
    def a():
        for i in range(5):
            yield {"i": i}
    @dlt.resource(parallelized=True)
    def b():
        for i in range(5):
            yield {"i": i}
    p = duck(dlt, workdir)
    p.run([a(), b()])
    return p
