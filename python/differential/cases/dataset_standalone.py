"""Dataset standalone."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run(ROWS, table_name="t"); d = dlt.dataset(dlt.destinations.duckdb(workdir + "/p.duckdb"), "d")
    return [sorted(d.t.select("id").fetchall()), d.schema.name]
