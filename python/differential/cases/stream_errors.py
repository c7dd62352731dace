"""Queries that fail."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": 1}], table_name="t")
    with p.sql_client() as client:
        return [
            failure(client.execute_sql, "SELECT * FROM nope"),
            failure(client.execute_sql, "SELEC"),
            client.execute_sql("SELECT a FROM t WHERE a = %s", 1),
            failure(p.dataset().t.select("a", "_dlt_id").fetchscalar),
            failure(p.dataset().t.nope),
        ]
