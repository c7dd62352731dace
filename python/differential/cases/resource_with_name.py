"""Resource with name."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(n):
        yield {"n": n}
    p = duck(dlt, workdir)
    p.run([t(1).with_name("one"), t(2).with_name("two")])
    return p
