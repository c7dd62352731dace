"""Columns of queries."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    d = p.dataset()
    query = d("SELECT id, name, count(*) AS n, 1.5::DOUBLE AS f FROM t GROUP BY ALL")
    return [query.columns, query.columns_schema, d.t.select("id").columns_schema, d.t.select("id", "name").schema["columns"]]
