"""Dataset join."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    return [sorted(d.t.join("t__kids").select("id", "t__kids__x").fetchall())]
