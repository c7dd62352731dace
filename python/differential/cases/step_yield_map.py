"""Step yield map."""

from _base import ROWS, duck


def run(dlt, workdir):
    def split(row):
        for kid in row["kids"]:
            yield {"id": row["id"], **kid}
    r = dlt.resource(ROWS, name="t").add_yield_map(split)
    p = duck(dlt, workdir)
    p.run(r)
    return p
