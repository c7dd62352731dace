"""Data pydantic rows."""

from _base import duck


def run(dlt, workdir):
    from pydantic import BaseModel
    class Row(BaseModel):
        id: int
        tags: list
    p = duck(dlt, workdir)
    p.run([Row(id=1, tags=["a"])], table_name="t")
    return p
