"""Limit zero."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(dlt.resource(ROWS, name="t").add_limit(0))
    return p
