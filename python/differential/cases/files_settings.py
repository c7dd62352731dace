"""Settings of the source."""

import os

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    os.environ["SOURCES__FILESYSTEM__BUCKET_URL"] = folder
    os.environ["SOURCES__FILESYSTEM__FILE_GLOB"] = "b.csv"
    module = source(dlt)
    listed = [item["file_name"] for item in module.filesystem()]
    return [listed, [row["id"] for row in module.readers().read_csv]]
