"""Resource raises in map."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [failure(p.run, dlt.resource([{"a": 1}], name="t").add_map(lambda r: r["nope"]))]
