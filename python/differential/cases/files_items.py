"""What is known of files."""

from _files import by_name, some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    items = sorted(source(dlt).filesystem(folder, file_glob="**/*"), key=lambda item: item["relative_path"])
    return [[list(item), [str(value) for value in by_name(item).values()]] for item in items]
