"""Hints description."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"id": 1}], name="t", columns={"id": {"description": "the key", "x-tag": "z"}})
    p = duck(dlt, workdir)
    p.run(r)
    return p
