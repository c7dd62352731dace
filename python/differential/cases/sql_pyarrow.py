"""SQL: pyarrow."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    p = duck(dlt, workdir)
    p.run(sql_table(url, "orders", backend="pyarrow"))
    table = list(sql_table(url, "orders", backend="pyarrow"))
    return p, {"kind": type(table[0]).__name__, "rows": sum(one.num_rows for one in table)}
