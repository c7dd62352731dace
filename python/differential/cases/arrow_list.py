"""Arrow list."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir)
    p.run([pa.table({"a": [1]}), pa.table({"a": [2]})], table_name="t")
    return p
