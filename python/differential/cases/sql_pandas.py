"""SQL: pandas."""

from _base import sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    frames = list(sql_table(sqlite(workdir), "users", backend="pandas", chunk_size=2))
    return {"kinds": [type(one).__name__ for one in frames], "rows": [len(one) for one in frames]}
