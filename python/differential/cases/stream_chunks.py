"""Chunks of rows and columns."""

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
        r = p.dataset().t.select("a", "b").order_by("a")
        found.append([[len(chunk) for chunk in r.iter_fetch(size)] for size in (1, 2000, 5000, 9000)][1:])
        found.append([[chunk.num_rows for chunk in r.iter_arrow(chunk_size=size)] for size in (1000, 4999, 5000, 9000)])
        found.append([str(type(chunk).__name__) for chunk in r.iter_df(2048)] + [len(chunk) for chunk in r.iter_df(2048)])
        found.append([row for chunk in r.iter_fetch(1500) for row in chunk][1499:1502])
    return found
