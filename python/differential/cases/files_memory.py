"""Files in memory, by fsspec."""

from _files import source


def run(dlt, workdir):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/a.csv", b"id\n1\n")
    memory.pipe("/bucket/sub/b.csv", b"id\n2\n")
    listing = source(dlt).filesystem
    found = sorted(listing("memory://bucket", file_glob="**/*.csv"), key=lambda item: item["relative_path"])
    names = [[item["relative_path"], item["size_in_bytes"], item["file_name"], item["file_url"]] for item in found]
    rows = list(listing("memory://bucket", file_glob="*.csv") | source(dlt).read_csv())
    return [names, [item.read_bytes() for item in found], rows]
