"""The files that patterns fit."""

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    globs = ["*", "*.csv", "**/*.csv", "**", "sub/*", "[ab].csv", "?.csv", "{a,b}.csv", "A.CSV", "nope/*"]
    listing = source(dlt).filesystem
    return [[glob, sorted(item["relative_path"] for item in listing(folder, file_glob=glob))] for glob in globs]
