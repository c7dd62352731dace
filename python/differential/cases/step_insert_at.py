"""Step insert at."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"a": 1}, {"a": 2}], name="t").add_map(lambda r: {"a": r["a"] * 10}).add_filter(lambda r: r["a"] < 2, insert_at=1)
    p = duck(dlt, workdir)
    p.run(r)
    return p
