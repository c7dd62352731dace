"""Contract freeze columns."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); return [failure(p.run, [{"a": 1, "b": 2}], table_name="t", schema_contract={"columns": "freeze"})[-1]]
