"""SQL: database views."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database

    p = duck(dlt, workdir)
    p.run(sql_database(sqlite(workdir), include_views=True))
    return p
