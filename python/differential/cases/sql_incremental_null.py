"""SQL: incremental null."""

from _base import EVENTS, duck, failure, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    url = sqlite(workdir, EVENTS + "INSERT INTO ev VALUES (9, NULL, 'z');")
    found = {}
    for mode in ("include", "exclude"):
        p = found[mode] = duck(dlt, workdir, mode)
        for _ in range(2):
            p.run(sql_table(url, "ev", incremental=dlt.sources.incremental("upd", on_cursor_value_missing=mode)))
    p = duck(dlt, workdir)
    found["raise"] = bool(failure(p.run, sql_table(url, "ev", incremental=dlt.sources.incremental("upd"))) != "no error")
    return found["include"], found["exclude"], found["raise"]
