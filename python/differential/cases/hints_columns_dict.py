"""Hints columns dict."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(columns={"a": {"data_type": "text"}, "b": {"data_type": "bigint", "nullable": False}})
    def t():
        yield {"a": 1, "b": "2"}
    p = duck(dlt, workdir)
    p.run(t())
    return p
