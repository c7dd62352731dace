"""What comes after the last row."""

from _base import duck, folder


def both(dlt, workdir, rows):
    """A database and a folder with the same rows."""
    for make in (duck, folder):
        p = make(dlt, workdir, make.__name__)
        p.run(rows, table_name="t")
        yield p


def run(dlt, workdir):
    found = []
    for p in both(dlt, workdir, [{"a": index} for index in range(10)]):
        with p.sql_client() as client:
            with client.execute_query("SELECT a FROM t ORDER BY a") as cursor:
                found.append([cursor.fetchone(), cursor.fetchmany(3), cursor.fetchmany(), len(cursor.fetchall())])
                found.append([cursor.fetchall(), cursor.fetchone(), cursor.fetchmany(3), cursor.df(), cursor.arrow()])
            with client.execute_query("SELECT a FROM t ORDER BY a") as cursor:
                found.append([cursor.arrow(chunk_size=4).num_rows])
            with client.execute_query("SELECT a FROM t ORDER BY a") as cursor:
                chunks = cursor.iter_fetch(4)
                found.append([next(chunks), cursor.fetchone(), next(chunks)])
    return found
