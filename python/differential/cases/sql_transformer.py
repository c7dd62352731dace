"""SQL: transformer."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    @dlt.transformer(name="letters")
    def letters(rows):
        for row in rows:
            yield {"user": row["id"], "first": row["name"][0]}

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir), "users") | letters)
    return p
