"""Contract on resource."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(schema_contract={"columns": "discard_value"})
    def t(rows):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"a": 1}])); p.run(t([{"a": 2, "b": 3}])); return p
