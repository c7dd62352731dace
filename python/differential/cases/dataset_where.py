"""Dataset where."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"id": i, "s": str(i)} for i in range(5)], table_name="t")
    d = p.dataset()
    ids = lambda r: sorted(x[0] for x in r.select("id").fetchall())
    return [ids(d.t.where("id", op, 2)) for op in ("eq", "ne", "gt", "lt", "gte", "lte")] + [ids(d.t.where("id", "in", [1, 3])), ids(d.t.where("s", "not_in", ["1"])), ids(d.t.where("id > 1 AND id < 4")), ids(d.t.filter("s", "eq", "2"))]
