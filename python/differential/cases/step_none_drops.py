"""Step none drops."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"a": 1}, {"a": 2}], name="t").add_step(lambda r: None if r["a"] == 1 else r)
    p = duck(dlt, workdir)
    p.run(r)
    return p
