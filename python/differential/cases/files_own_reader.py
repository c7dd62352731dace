"""A reader of one's own."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)

    @dlt.transformer
    def lines(items):
        for item in items:
            with item.open("r") as file:
                yield [{"name": item["file_name"], "line": line.strip()} for line in file]

    p.run(source(dlt).filesystem(folder, file_glob="*.csv") | lines)
    return p
