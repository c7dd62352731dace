"""Contract on source."""

from _base import duck


def run(dlt, workdir):
    @dlt.source(schema_contract="discard_value")
    def s(rows):
        return dlt.resource(rows, name="t")
    p = duck(dlt, workdir); p.run(s([{"a": 1}])); p.run(s([{"a": 2, "b": 3}])); return p
