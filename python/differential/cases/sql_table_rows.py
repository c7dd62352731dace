"""SQL: table rows."""

from _base import sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir)
    return {"users": list(sql_table(url, "users")), "orders": [
        {name: str(value) for name, value in row.items()} for row in sql_table(url, "orders")
    ]}
