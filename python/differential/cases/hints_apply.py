"""Hints apply."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"id": 1, "v": "1"}], name="t")
    r.apply_hints(primary_key="id", columns={"v": {"data_type": "bigint"}}, write_disposition="merge", table_name="tt")
    p = duck(dlt, workdir)
    p.run(r)
    p.run(r)
    return p
