"""SQL: database."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database

    source = sql_database(sqlite(workdir))
    p = duck(dlt, workdir)
    p.run(source)
    return p, {"names": sorted(source.resources), "name": source.name}
