"""The source of readers."""

from _base import duck
from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    p = duck(dlt, workdir)
    readers = source(dlt).readers(folder, file_glob="*.jsonl")
    p.run(readers.with_resources("read_jsonl"))
    return [p, readers.name, readers.section, list(source(dlt).readers(folder).resources)]
