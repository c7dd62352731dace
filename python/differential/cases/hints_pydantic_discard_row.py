"""Hints pydantic discard row."""

from _base import duck


def run(dlt, workdir):
    from pydantic import BaseModel
    class Row(BaseModel):
        id: int
    @dlt.resource(columns=Row, schema_contract={"data_type": "discard_row", "columns": "discard_row"})
    def t():
        yield [{"id": 1}, {"id": "x"}, {"id": 3, "more": 1}]
    p = duck(dlt, workdir)
    p.run(t())
    return p
