"""Dataset sql client."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    with p.sql_client() as c:
        rows = c.execute_sql("SELECT id FROM t WHERE id > %s", 1)
        with c.execute_query("SELECT name FROM t ORDER BY id") as cursor:
            names = cursor.fetchall()
    return [rows, names]
