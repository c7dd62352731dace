"""Dataset errors."""

from _base import ROWS, duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    return [failure(lambda: d["nope"]), failure(lambda: d.nope), failure(d.table, "nope")]
