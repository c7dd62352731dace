"""SQL: incremental missing column."""

from _base import EVENTS, duck, failure, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    p = duck(dlt, workdir)
    table = sql_table(sqlite(workdir, EVENTS), "ev", incremental=dlt.sources.incremental("nothing"))
    return {"failed": failure(p.run, table) != "no error"}
