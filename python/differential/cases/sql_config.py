"""SQL: config."""

import os

from _base import EVENTS, duck, sql, sqlite


def run(dlt, workdir):
    sql_database = sql(dlt).sql_database
    sql_table = sql(dlt).sql_table

    settings = {
        "SOURCES__SQL_DATABASE__CREDENTIALS": sqlite(workdir, EVENTS),
        "SOURCES__SQL_DATABASE__EV__INCLUDED_COLUMNS": '["id", "upd"]',
        "SOURCES__SQL_DATABASE__EV__INCREMENTAL__CURSOR_PATH": "id",
    }
    os.environ.update(settings)
    try:
        p, q = duck(dlt, workdir), duck(dlt, workdir, "q")
        p.run(sql_database(table_names=["ev"]))
        q.run(sql_table(table="ev"))
    finally:
        for name in settings:
            del os.environ[name]
    return p, q
