"""SQL: json nested."""

from _base import duck, sql, sqlite

SQL = "CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON); INSERT INTO t VALUES (1, '{\"a\": [1, 2], \"b\": \"x\"}'), (2, NULL);"


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir, SQL)
    p, q = duck(dlt, workdir), duck(dlt, workdir, "q")
    p.run(sql_table(url, "t", reflection_level="minimal"))
    q.run(sql_table(url, "t"))
    return p, q
