"""Hints root key."""

from _base import duck


def run(dlt, workdir):
    @dlt.source(root_key=True)
    def s():
        return dlt.resource([{"a": [{"b": [1]}]}], name="t")
    p = duck(dlt, workdir)
    p.run(s())
    return p
