"""Step meta."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        yield dlt.mark.with_table_name({"a": 1}, "one")
    seen = []
    def look(row, meta):
        seen.append(getattr(meta, "table_name", None))
        return row
    p = duck(dlt, workdir)
    p.run(t().add_map(look))
    return [p, seen]
