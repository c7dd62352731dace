"""Dataset query."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    return [d.query("SELECT count(*) AS n FROM t").fetchall(), d("SELECT id FROM t ORDER BY id").fetchall()]
