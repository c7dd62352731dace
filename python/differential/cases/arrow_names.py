"""Arrow names."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir)
    p.run(pa.table({"UserName": [1], "Some Thing": [2]}), table_name="MyTable")
    return p
