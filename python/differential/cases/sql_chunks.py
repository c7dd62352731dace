"""SQL: chunks."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    sql_table = sql(dlt).sql_table

    tables = "CREATE TABLE t (a INTEGER);" + "".join(f"INSERT INTO t VALUES ({i});" for i in range(10))
    sizes = []

    def count(items):
        sizes.append(len(items))
        return items

    p = duck(dlt, workdir)
    p.run(sql_table(sqlite(workdir, tables), "t", chunk_size=4).add_step(count))
    rows = len(list(sql_table(f"sqlite:///{workdir}/source.db", "t", chunk_size=4).add_limit(5, count_rows=True)))
    return p, {"sizes": sizes, "rows": rows}
