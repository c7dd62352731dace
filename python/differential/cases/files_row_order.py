"""Files in order, some at a time."""

from _base import duck
from _files import NEW_YEAR, put, source


def run(dlt, workdir):
    for index in range(4):
        put(workdir, f"{index}.csv", f"id\n{index}\n", NEW_YEAR + 60 * ((index * 3) % 4))

    def load():
        cursor = dlt.sources.incremental("modification_date", row_order="asc")
        files = source(dlt).filesystem(f"{workdir}/in", files_per_page=1, incremental=cursor).add_limit(1)
        p.run((files | source(dlt).read_csv()).with_name("rows"))
        return sorted(row[0] for row in p.dataset().rows.select("id").fetchall())

    p = duck(dlt, workdir)
    cursor = dlt.sources.incremental("modification_date", row_order="desc")
    names = [item["file_name"] for item in source(dlt).filesystem(f"{workdir}/in", incremental=cursor)]
    return [names, load(), load(), load()]
