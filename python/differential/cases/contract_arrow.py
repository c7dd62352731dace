"""Contract arrow."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa
    p = duck(dlt, workdir); p.run(pa.table({"a": [1]}), table_name="t"); p.run(pa.table({"a": [2], "b": [3]}), table_name="t", schema_contract={"columns": "discard_value"}); return p
