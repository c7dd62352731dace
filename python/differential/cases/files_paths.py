"""Forms of bucket_url."""

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    listing = source(dlt).filesystem

    def urls(url, glob="a.csv"):
        return [item["file_url"] for item in listing(url, file_glob=glob)]

    return [
        urls(folder),
        urls(f"file://{folder}"),
        urls(f"file://{folder}/"),
        urls("in"),
        urls(f"{folder}/sub", "../a.csv"),
        urls(f"{folder}/nope"),
        [item["relative_path"] for item in listing(f"{folder}/a.csv", file_glob="")],
        urls(f"{folder}/a.csv", "*"),
    ]
