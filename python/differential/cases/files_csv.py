"""CSV."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    p.run(source(dlt).filesystem(folder, file_glob="a.csv") | source(dlt).read_csv())
    return p
