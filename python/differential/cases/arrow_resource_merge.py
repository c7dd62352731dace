"""Arrow resource merge."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir)
    for v in ("a", "b"):
        p.run(pa.table({"id": [1, 2], "v": [v, v]}), table_name="t", write_disposition="merge", primary_key="id")
    return p
