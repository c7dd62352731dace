"""JSON lines that are lists."""

from _base import duck
from _files import put, source


def run(dlt, workdir):
    put(workdir, "l.jsonl", "{\"a\": 0}\n[{\"a\": 1}, {\"a\": 2}]\n")
    p = duck(dlt, workdir)
    files = source(dlt).filesystem(f"{workdir}/in")
    found = list(files | source(dlt).read_jsonl())
    p.run((files | source(dlt).read_jsonl()).with_name("rows"))
    return [found, p]
