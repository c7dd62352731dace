"""SQL: columns."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    p, q = duck(dlt, workdir), duck(dlt, workdir, "q")
    p.run(sql_table(url, "orders", included_columns=["id", "price", "nothing"]))
    q.run(sql_table(url, "orders", excluded_columns=["made", "nothing"]))
    return p, q
