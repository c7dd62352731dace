"""Expressions of sqlglot."""

from _base import ROWS, duck


def run(dlt, workdir):
    import sqlglot.expressions as sge

    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    return [
        d.t.where(sge.column("id") > 1).select("id").fetchall(),
        d(sge.select("id").from_("t").where("id > 1")).fetchall(),
        type(d.t.select("id").sqlglot_expression).__name__,
        d("SELECT `id` FROM t WHERE `id` > 1", query_dialect="mysql").fetchall(),
    ]
