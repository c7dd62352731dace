"""Folders of files for the scripts that read some."""

import gzip
import os
import pathlib

#: 2024-01-01T00:00:00Z
NEW_YEAR = 1704067200


def put(workdir, name, content, at=NEW_YEAR):
    """A file with a time of change."""
    path = pathlib.Path(workdir) / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at, at))


def some_files(workdir):
    """Files of all kinds that are read."""
    put(workdir, "a.csv", "id,name,v\n1,x,1.5\n2,,\n3,z,3\n")
    put(workdir, "b.csv", "id,name,v\n007,,4\n", NEW_YEAR + 60)
    put(workdir, "c.csv.gz", gzip.compress(b"id,name,v\n5,g,5\n", mtime=0))
    put(workdir, "d.jsonl", '{"a": 1, "t": "2024-01-01T00:00:00Z"}\n{"a": 2, "n": {"x": [1, 2]}}')
    put(workdir, "e.jsonl.gz", gzip.compress(b'{"a": 1.5, "s": "\\u00e9\\n"}\n', mtime=0))
    put(workdir, "sub/f ü.csv", "id,name,v\n9,deep,0\n")
    put(workdir, ".hidden.csv", "id\n1\n")
    put(workdir, "noext", "x")
    return f"{workdir}/in"


def source(dlt):
    """The module of the source of files."""
    import importlib

    return importlib.import_module(f"{dlt.__name__}.sources.filesystem")


def by_name(item):
    """The row of a file without the folder that it was found in."""
    return {**item, "file_url": item["file_url"].rsplit("/in/", 1)[-1]}
