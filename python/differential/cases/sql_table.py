"""SQL: table."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    table = sql_table(sqlite(workdir), "orders")
    p = duck(dlt, workdir)
    p.run(table)
    return p, {"name": table.name, "disposition": table.write_disposition}
