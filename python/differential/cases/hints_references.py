"""Hints references."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(references=[{"referenced_table": "u", "columns": ["u_id"], "referenced_columns": ["id"]}])
    def t():
        yield {"u_id": 1}
    p = duck(dlt, workdir)
    p.run(t())
    return p
