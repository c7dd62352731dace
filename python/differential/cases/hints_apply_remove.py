"""Hints apply remove."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"id": 1}], name="t", primary_key="id", columns={"v": {"data_type": "bigint"}})
    r.apply_hints(primary_key="", columns={})
    p = duck(dlt, workdir)
    p.run(r)
    return p
