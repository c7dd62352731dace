"""Source name."""

from _base import duck


def run(dlt, workdir):
    @dlt.source(name="named")
    def s():
        return dlt.resource([{"a": 1}], name="x")
    p = duck(dlt, workdir)
    p.run(s())
    return p
