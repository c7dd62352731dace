"""Source clone."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([{"a": 1}], name="x")
    p = duck(dlt, workdir)
    p.run(s.clone(name="other")())
    return p
