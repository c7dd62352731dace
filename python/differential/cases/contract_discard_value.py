"""Contract discard value."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); p.run([{"a": 2}, {"a": 3, "b": 1}], table_name="t", schema_contract={"columns": "discard_value"}); return p
