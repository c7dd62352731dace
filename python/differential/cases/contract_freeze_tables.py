"""Contract freeze tables."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); return [failure(p.run, [{"a": 1}], table_name="u", schema_contract={"tables": "freeze"})[-1]]
