"""The listing as a table."""

from _base import duck
from _files import by_name, some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    p.run(source(dlt).filesystem(folder, file_glob="**/*").add_map(by_name))
    return p
