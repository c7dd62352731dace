"""CSV in another encoding."""

from _base import duck, failure
from _files import put, source


def run(dlt, workdir):
    put(workdir, "l.csv", "a,b\né,1\n".encode("latin-1"))
    p = duck(dlt, workdir)
    files = source(dlt).filesystem(f"{workdir}/in")
    p.run((files | source(dlt).read_csv(encoding="latin-1")).with_name("rows"))
    replaced = list(files | source(dlt).read_csv(encoding="utf-8", encoding_errors="replace"))
    return [p, replaced, failure(list, files | source(dlt).read_csv())]
