"""SQL: map."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    kinds = []

    def shout(row):
        kinds.append(type(row).__name__)
        return {**row, "name": row["name"].upper(), "extra": [row["id"]]}

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir), "users").add_map(shout).add_filter(lambda row: row["id"] != 2))
    return p, {"kinds": sorted(set(kinds))}
