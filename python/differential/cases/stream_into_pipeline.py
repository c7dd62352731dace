"""Rows of a relation loaded into the same database."""

from _base import duck, folder


def both(dlt, workdir, rows):
    """A database and a folder with the same rows."""
    for make in (duck, folder):
        p = make(dlt, workdir, make.__name__)
        p.run(rows, table_name="t")
        yield p


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": index} for index in range(3000)], table_name="t")

    @dlt.resource
    def copied():
        for chunk in p.dataset().t.select("a").iter_arrow(chunk_size=1000):
            yield chunk

    p.run(copied())
    chunks = p.dataset().t.select("a").order_by("a").iter_fetch(1000)
    before = len(next(chunks))
    p.run([{"a": -1}], table_name="t")
    after = sorted(p.dataset().row_counts().fetchall())
    return [before, after, sum(len(chunk) for chunk in p.dataset().copied.iter_fetch(700))]
