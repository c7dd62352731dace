"""Hints sort cluster."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"id": 1, "d": 1}], name="t", columns={"id": {"sort": True}, "d": {"cluster": True, "partition": True, "unique": True}})
    p = duck(dlt, workdir)
    p.run(r)
    return p
