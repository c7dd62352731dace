"""Data list of resources."""

from _base import duck


def run(dlt, workdir):
    a = dlt.resource([{"x": 1}], name="a"); b = dlt.resource([{"y": 1}], name="b")
    p = duck(dlt, workdir)
    p.run([a, b])
    return p
