"""JSON lines."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    p.run((source(dlt).filesystem(folder, file_glob="*.jsonl*") | source(dlt).read_jsonl()).with_name("rows"))
    return p
