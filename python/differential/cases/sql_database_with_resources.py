"""SQL: database with resources."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database

    source = sql_database(sqlite(workdir)).with_resources("orders")
    source.orders.apply_hints(write_disposition="merge", primary_key="id")
    p = duck(dlt, workdir)
    p.run(source)
    p.run(source)
    return p
