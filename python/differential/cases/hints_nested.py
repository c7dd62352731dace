"""Hints nested."""

from _base import ROWS, duck


def run(dlt, workdir):
    @dlt.resource(nested_hints={"kids": dlt.mark.make_nested_hints(columns={"x": {"data_type": "text"}})})
    def t():
        yield ROWS
    p = duck(dlt, workdir)
    p.run(t())
    return p
