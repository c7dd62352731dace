"""Hints pydantic allow."""

from _base import duck


def run(dlt, workdir):
    from pydantic import BaseModel, ConfigDict
    class Row(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: int
    @dlt.resource(columns=Row)
    def t():
        yield {"id": 1, "more": 1}
    p = duck(dlt, workdir)
    p.run(t())
    return p
