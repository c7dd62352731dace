"""Step map."""

from _base import ROWS, duck


def run(dlt, workdir):
    r = dlt.resource(ROWS, name="t").add_map(lambda row: {**row, "id": row["id"] * 10})
    p = duck(dlt, workdir)
    p.run(r)
    return p
