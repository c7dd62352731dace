"""Arrow table."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir)
    p.run(pa.table({"a": [1, 2], "b": ["x", None]}), table_name="t")
    return p
