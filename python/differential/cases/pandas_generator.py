"""Pandas generator."""

from _base import duck


def run(dlt, workdir):
    import pandas as pd
    @dlt.resource
    def frames():
        yield pd.DataFrame({"a": [1]})
        yield pd.DataFrame({"a": [2]})
    p = duck(dlt, workdir)
    p.run(frames())
    return p
