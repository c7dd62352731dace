"""Dataset frames."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"id": 1, "v": 1.5}, {"id": 2, "v": None}], table_name="t")
    d = p.dataset()
    return [d.t.select("id").df()["id"].tolist(), d.t.arrow().num_rows, [len(c) for c in d.t.select("id").iter_fetch(1)], d.t.select("id").head(1).fetchone()]
