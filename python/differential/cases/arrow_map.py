"""Arrow map."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    @dlt.resource
    def t():
        yield pa.table({"a": [1, 2, 3]})
    r = t().add_map(lambda table: table.slice(0, 2))
    p = duck(dlt, workdir)
    p.run(r)
    return p
