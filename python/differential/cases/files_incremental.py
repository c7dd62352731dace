"""New files only."""

from _base import duck
from _files import NEW_YEAR, put, source


def run(dlt, workdir):
    def load():
        cursor = dlt.sources.incremental("modification_date")
        files = source(dlt).filesystem(f"{workdir}/in", incremental=cursor)
        info = p.run(files)
        return len(info.loads_ids)

    p = duck(dlt, workdir)
    put(workdir, "a.csv", "id\n1\n")
    put(workdir, "b.csv", "id\n2\n", NEW_YEAR + 60)
    counts = [load(), load()]
    put(workdir, "c.csv", "id\n3\n", NEW_YEAR + 60)
    put(workdir, "a.csv", "id\n1\n11\n", NEW_YEAR + 120)
    counts.append(load())
    put(workdir, "old.csv", "id\n99\n", NEW_YEAR - 100)
    counts.append(load())
    names = sorted(p.dataset().filesystem.select("file_name", "size_in_bytes").fetchall())
    state = p.state["sources"]["p"]["resources"]["filesystem"]["incremental"]["modification_date"]
    return [counts, names, str(state["last_value"]), len(state["unique_hashes"])]
