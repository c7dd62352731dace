"""Dataset read."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    return [sorted(d.t.select("id", "name").fetchall()), d.t.select("id").max().fetchscalar(), d.t.where("id", "gt", 1).select("name").fetchall(), d.t.order_by("id", "desc").limit(1).select("id").fetchall(), sorted(d.row_counts().fetchall()), d.tables[:2]]
