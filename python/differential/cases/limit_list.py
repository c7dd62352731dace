"""Limit list."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(dlt.resource([{"i": i} for i in range(10)], name="t").add_limit(4))
    return p
