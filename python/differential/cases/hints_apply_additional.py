"""Hints apply additional."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"id": 1}], name="t")
    r.apply_hints(additional_table_hints={"x-mine": {"a": 1}})
    p = duck(dlt, workdir)
    p.run(r)
    return p
