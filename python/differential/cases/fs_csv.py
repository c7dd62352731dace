"""Fs csv."""

from _base import folder


def run(dlt, workdir):
    p = folder(dlt, workdir)
    p.run([{"a": 1, "b": "x,y"}], table_name="t", loader_file_format="csv")
    return p
