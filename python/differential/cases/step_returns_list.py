"""Step returns list."""

from _base import duck


def run(dlt, workdir):
    r = dlt.resource([{"a": 1}], name="t").add_step(lambda r: [r, {"a": 5}])
    p = duck(dlt, workdir)
    p.run(r)
    return p
