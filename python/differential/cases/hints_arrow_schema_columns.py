"""Hints arrow schema columns."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    @dlt.resource(columns=pa.schema([("id", pa.int64()), ("v", pa.string())]))
    def t():
        yield {"id": 1, "v": 5}
    p = duck(dlt, workdir)
    return [r.compute_table_schema()["columns"]["id"]["data_type"] for r in [t()]]
