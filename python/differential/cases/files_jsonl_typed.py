"""JSON lines with strings that are typed for dlt; windlass takes nobody's text for anything else."""

from _base import duck
from _files import put, source

DIFFERS = {".": "texts of a file are texts"}


def run(dlt, workdir):
    put(workdir, "t.jsonl", "{\"a\": \"\uf0261.5\", \"b\": \"\uf0272024-01-01T00:00:00Z\"}\n")
    p = duck(dlt, workdir)
    p.run((source(dlt).filesystem(f"{workdir}/in") | source(dlt).read_jsonl()).with_name("rows"))
    return p
