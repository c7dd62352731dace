"""SQL: incremental open."""

from _base import EVENTS, duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir, EVENTS)
    p = duck(dlt, workdir)

    def table():
        return sql_table(url, "ev", incremental=dlt.sources.incremental("upd", range_start="open"))

    p.run(table())
    p.run(table())
    sqlite(workdir, "INSERT INTO ev VALUES (7, '2024-01-01 06:00:00.000000', 'a'), (8, '2024-01-01 09:00:00.000000', 'c')")
    p.run(table())
    return p
