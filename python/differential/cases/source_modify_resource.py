"""Source modify resource."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([{"a": 1}, {"a": 2}], name="x")
    src = s(); src.x.add_filter(lambda r: r["a"] > 1); src.x.apply_hints(table_name="z")
    p = duck(dlt, workdir)
    p.run(src)
    return p
