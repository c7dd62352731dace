"""Hints pydantic nested."""

from _base import duck


def run(dlt, workdir):
    from pydantic import BaseModel
    from typing import List
    class Kid(BaseModel):
        a: int
    class Row(BaseModel):
        id: int
        kids: List[Kid]
        one: Kid
    @dlt.resource(columns=Row)
    def t():
        yield {"id": 1, "kids": [{"a": 1}], "one": {"a": 2}}
    p = duck(dlt, workdir)
    p.run(t())
    return p
