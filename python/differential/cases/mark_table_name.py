"""Mark table name."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        yield dlt.mark.with_table_name({"a": 1}, "one")
        yield dlt.mark.with_table_name([{"b": 2}], "two")
        yield {"c": 3}
    p = duck(dlt, workdir)
    p.run(t())
    return p
