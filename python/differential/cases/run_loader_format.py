"""Run loader format."""

from _base import folder


def run(dlt, workdir):
    p = folder(dlt, workdir)
    p.run([{"a": 1}], table_name="t", loader_file_format="parquet")
    return p
