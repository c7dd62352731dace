"""Dataset loads."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run(ROWS, table_name="t"); p.run(ROWS, table_name="t"); d = p.dataset()
    return [len(d.load_ids()), d.latest_load_id() == d.load_ids()[-1], d.t.from_loads(d.load_ids()[:1]).select("id").fetchall()]
