"""SQL: level minimal."""

from _base import duck, sql, sqlite

SQL = """
    CREATE TABLE t (i INTEGER, s VARCHAR(7), x TEXT, n NUMERIC(10,2), b BLOB, o BOOLEAN, d DATE, w DATETIME, m TIME);
    INSERT INTO t VALUES (1, 'a', 'b', 1.25, x'00ff', 1, '2024-01-02', '2024-01-02 03:04:05.000006', '03:04:05.000000'),
        (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir, SQL), "t", reflection_level="minimal"))
    return p
