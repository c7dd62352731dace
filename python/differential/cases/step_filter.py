"""Step filter."""

from _base import ROWS, duck


def run(dlt, workdir):
    r = dlt.resource(ROWS, name="t").add_filter(lambda row: row["id"] > 1)
    p = duck(dlt, workdir)
    p.run(r)
    return p
