"""What is in new files."""

from _base import duck
from _files import NEW_YEAR, put, source


def run(dlt, workdir):
    def load():
        files = source(dlt).filesystem(f"{workdir}/in", file_glob="*.csv")
        files.apply_hints(incremental=dlt.sources.incremental("modification_date"))
        p.run((files | source(dlt).read_csv()).with_name("rows"))
        return sorted(row[0] for row in p.dataset().rows.select("id").fetchall())

    p = duck(dlt, workdir)
    put(workdir, "a.csv", "id\n1\n")
    found = [load()]
    put(workdir, "b.csv", "id\n2\n", NEW_YEAR + 60)
    found += [load(), load()]
    return [found, list(p.state["sources"]["p"]["resources"])]
