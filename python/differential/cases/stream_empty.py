"""No rows at all."""

from _base import duck, folder


def both(dlt, workdir, rows):
    """A database and a folder with the same rows."""
    for make in (duck, folder):
        p = make(dlt, workdir, make.__name__)
        p.run(rows, table_name="t")
        yield p


def run(dlt, workdir):
    found = []
    for p in both(dlt, workdir, [{"a": 1, "b": "x"}]):
        r = p.dataset().t.select("a", "b").where("a", "gt", 5)
        found.append([r.fetchall(), r.fetchone(), r.fetchmany(3), r.select("a").fetchscalar(), r.df(chunk_size=5), r.arrow(chunk_size=5)])
        found.append([list(r.df().columns), r.df().shape, r.arrow().schema.names, r.arrow().num_rows])
        found.append([list(r.iter_fetch(5)), list(r.iter_df(5)), list(r.iter_arrow(5))])
        with p.sql_client() as client:
            found.append(client.execute_sql("SELECT a FROM t WHERE a > 5"))
    return found
