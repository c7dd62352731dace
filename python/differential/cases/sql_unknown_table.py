"""SQL: unknown table."""

from _base import sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database

    try:
        list(sql_database(sqlite(workdir), table_names=["user"]))
    except Exception as cause:
        return {"failed": True, "says": "Could not reflect" in str(cause)}
    return {"failed": False}
