"""Files opened in all ways."""

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    (packed,) = source(dlt).filesystem(folder, file_glob="c.csv.gz")
    (plain,) = source(dlt).filesystem(folder, file_glob="a.csv")
    (deep,) = source(dlt).filesystem(folder, file_glob="sub/*")
    return [
        packed.open().read(),
        packed.open("r").read(),
        packed.open(compression="disable").read()[:2],
        packed.read_bytes()[:2],
        plain.open().read(),
        plain.open(mode="rt", encoding="utf-8").readline(),
        plain.read_bytes(),
        deep.local_file_path,
        deep.open("r").read(),
    ]
