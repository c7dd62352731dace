"""SQL: composite key."""

from _base import duck, sql, sqlite

SQL = "CREATE TABLE t (a INT, b TEXT, c INT, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2);"


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    p = duck(dlt, workdir)
    table = sql_table(sqlite(workdir, SQL), "t", write_disposition="merge")
    p.run(table)
    p.run(table)
    return p
