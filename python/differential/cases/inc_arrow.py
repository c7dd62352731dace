"""Inc arrow."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    @dlt.resource
    def t(values, at=dlt.sources.incremental("ts")):
        yield pa.table({"ts": values})
    p = duck(dlt, workdir)
    p.run(t([1, 2]))
    p.run(t([2, 3]))
    return p
