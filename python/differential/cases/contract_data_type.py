"""Contract data type."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); return [failure(p.run, [{"a": "x"}], table_name="t", schema_contract={"data_type": "freeze"})[-1]]
