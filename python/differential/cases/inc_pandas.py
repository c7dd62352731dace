"""Inc pandas."""

from _base import duck


def run(dlt, workdir):
    import pandas as pd
    @dlt.resource
    def t(values, at=dlt.sources.incremental("ts", initial_value=0)):
        yield pd.DataFrame({"ts": values})
    p = duck(dlt, workdir)
    p.run(t([1, 2]))
    p.run(t([2, 3]))
    return p
