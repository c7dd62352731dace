"""Hints pydantic columns."""

from _base import duck


def run(dlt, workdir):
    from pydantic import BaseModel
    from typing import Optional
    class Row(BaseModel):
        id: int
        name: Optional[str] = None
        tags: list = []
    @dlt.resource(columns=Row)
    def t():
        yield {"id": 1, "name": "x", "more": 1, "tags": [1]}
        yield {"id": 2}
    p = duck(dlt, workdir)
    p.run(t())
    return p
