"""Source two schemas."""

from _base import duck

#: windlass sends the state along with each package, dlt with that of the default schema only.
DIFFERS = {".b.": "state", ".b.hash": "state", "_dlt_loads": "state", "_dlt_version": "state"}


def run(dlt, workdir):
    @dlt.source
    def a():
        return dlt.resource([{"a": 1}], name="x")
    @dlt.source
    def b():
        return dlt.resource([{"b": 1}], name="y")
    p = duck(dlt, workdir)
    p.run(a())
    p.run(b())
    return p
