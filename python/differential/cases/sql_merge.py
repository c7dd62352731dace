"""SQL: merge."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    p = duck(dlt, workdir)
    p.run(sql_table(url, "users", write_disposition="merge"))
    sqlite(workdir, "UPDATE users SET name = 'bea' WHERE id = 2; INSERT INTO users VALUES (4, 'dan', 1);")
    p.run(sql_table(url, "users", write_disposition="merge"))
    return p
