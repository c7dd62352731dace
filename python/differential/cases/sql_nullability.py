"""SQL: nullability."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    remove_nullability_adapter = sql(dlt).remove_nullability_adapter
    sql_table = sql(dlt).sql_table

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir), "users", table_adapter_callback=remove_nullability_adapter))
    return p
