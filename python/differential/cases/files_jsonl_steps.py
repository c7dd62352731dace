"""JSON lines that steps look at."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    reader = source(dlt).filesystem(folder, file_glob="*.jsonl*") | source(dlt).read_jsonl()
    reader.add_filter(lambda row: row["a"] != 2).add_map(lambda row: {**row, "seen": True})
    p.run(reader.with_name("rows"))
    return p
