"""Step order."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"a": 1}, {"a": 2}], name="t").add_map(lambda r: {"a": r["a"] + 1}).add_filter(lambda r: r["a"] > 2).add_map(lambda r: {"b": r["a"]}, insert_at=3)
    p = duck(dlt, workdir)
    p.run(r)
    return p
