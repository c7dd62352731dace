"""CSV that is none."""

from _base import failure
from _files import put, source


def run(dlt, workdir):
    put(workdir, "e.csv", "")
    put(workdir, "h.csv", "a,b\n")
    files = source(dlt).filesystem
    read = source(dlt).read_csv
    header = list(files(f"{workdir}/in", file_glob="h.csv") | read())
    return [header, failure(list, files(f"{workdir}/in", file_glob="h.csv") | read(nope=1))]
