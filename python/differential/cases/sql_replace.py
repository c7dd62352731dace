"""SQL: replace."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    p = duck(dlt, workdir)
    p.run(sql_table(url, "users", write_disposition="replace"))
    sqlite(workdir, "DELETE FROM users WHERE id = 2")
    p.run(sql_table(url, "users", write_disposition="replace"))
    return p
