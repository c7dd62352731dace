"""Arrow batch."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir)
    p.run(pa.RecordBatch.from_pydict({"a": [1, 2]}), table_name="t")
    return p
