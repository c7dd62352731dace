"""Polars frame."""

from _base import duck


def run(dlt, workdir):
    import polars as pl
    p = duck(dlt, workdir)
    p.run(pl.DataFrame({"a": [1, 2], "b": [1.5, None]}), table_name="t")
    return p
