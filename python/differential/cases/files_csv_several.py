"""Several CSV files, one of them packed."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    listing = source(dlt).filesystem(folder, file_glob="**/[abcf]*.csv*")
    p.run((listing | source(dlt).read_csv()).with_name("rows"))
    return p
