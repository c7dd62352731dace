"""Source with resources."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([{"a": 1}], name="x"), dlt.resource([{"b": 1}], name="y")
    p = duck(dlt, workdir)
    p.run(s().with_resources("y"))
    return p
