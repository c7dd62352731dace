"""Hints pydantic forbid."""

from _base import duck, failure


def run(dlt, workdir):
    from pydantic import BaseModel, ConfigDict
    class Row(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: int
    @dlt.resource(columns=Row)
    def t():
        yield {"id": 1, "more": 1}
    p = duck(dlt, workdir)
    return [failure(p.run, t())[-2:]]
