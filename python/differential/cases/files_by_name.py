"""A cursor on the names of files."""

from _base import duck
from _files import put, source


def run(dlt, workdir):
    def load():
        files = source(dlt).filesystem(f"{workdir}/in", incremental=dlt.sources.incremental("file_name"))
        p.run((files | source(dlt).read_csv()).with_name("rows"))
        return sorted(row[0] for row in p.dataset().rows.select("id").fetchall())

    p = duck(dlt, workdir)
    put(workdir, "b.csv", "id\n1\n")
    found = [load()]
    put(workdir, "a.csv", "id\n2\n")
    put(workdir, "c.csv", "id\n3\n")
    return [*found, load()]
