"""Several iterations, one left off."""

from _base import duck, folder


def both(dlt, workdir, rows):
    """A database and a folder with the same rows."""
    for make in (duck, folder):
        p = make(dlt, workdir, make.__name__)
        p.run(rows, table_name="t")
        yield p


def run(dlt, workdir):
    found = []
    for p in both(dlt, workdir, [{"a": index, "b": str(index)} for index in range(5000)]):
        r = p.dataset().t.select("a").order_by("a")
        first = r.iter_fetch(10)
        found.append([next(first)[0], next(first)[0]])
        first.close()
        found.append([next(first, "end"), r.fetchone(), len(r.fetchall())])
        found.append([len(list(r.iter_fetch(2000))), len(list(r.iter_fetch(2000)))])
    return found
