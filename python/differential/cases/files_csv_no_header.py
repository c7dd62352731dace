"""CSV without a header."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    reader = source(dlt).filesystem(folder, file_glob="a.csv") | source(dlt).read_csv(header=None)
    p.run(reader.with_name("rows"))
    return p
