"""Source yields."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        for n in "ab":
            yield dlt.resource([{"v": n}], name=n)
    p = duck(dlt, workdir)
    p.run(s())
    return p
