"""SQL: foreign keys."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database

    p = duck(dlt, workdir)
    p.run(sql_database(sqlite(workdir), resolve_foreign_keys=True))
    return p, {"references": p.default_schema.tables["orders"].get("references")}
