"""SQL: empty."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir, "CREATE TABLE t (a INTEGER, b TEXT)"), "t"))
    return p
