"""Pandas frame."""

from _base import duck


def run(dlt, workdir):
    import pandas as pd
    p = duck(dlt, workdir)
    p.run(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), table_name="t")
    return p
