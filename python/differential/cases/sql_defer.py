"""SQL: defer."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    p, q = duck(dlt, workdir), duck(dlt, workdir, "q")
    table = sql_table(url, "users", defer_table_reflect=True)
    before = sorted(table.columns or {})
    p.run(table)
    q.run(sql_database(url, table_names=["users", "orders"], defer_table_reflect=True))
    return p, q, {"before": before}
