"""Hints nested key."""

from _base import ROWS, duck


def run(dlt, workdir):
    @dlt.resource(primary_key="id", write_disposition="merge", nested_hints={"kids": dlt.mark.make_nested_hints(primary_key="x", write_disposition="merge")})
    def t():
        yield ROWS
    p = duck(dlt, workdir)
    p.run(t())
    p.run(t())
    return p
