"""SQL: adapters."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    import sqlalchemy as sa
    sql_table = sql(dlt).sql_table

    def without_age(table):
        table._columns.remove(table.columns["age"])

    def as_text(kind):
        return sa.Text() if isinstance(kind, sa.Numeric) else kind

    url = sqlite(workdir)
    p, q, r, s = (duck(dlt, workdir, name) for name in "pqrs")
    p.run(sql_table(url, "users", table_adapter_callback=without_age))
    q.run(sql_table(url, "orders", type_adapter_callback=as_text))
    r.run(sql_table(url, "orders", query_adapter_callback=lambda query, table: query.where(table.c.price > 1)))
    s.run(
        sql_table(
            url,
            "users",
            query_adapter_callback=lambda query, table, incremental, engine: sa.text("SELECT id, name, id * 2 AS twice FROM users"),
        )
    )
    return p, q, r, s
