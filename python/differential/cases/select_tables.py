"""Select tables."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(table_name=lambda r: r["t"])
    def ev():
        yield [{"t": "a"}, {"t": "b"}]
    p = duck(dlt, workdir)
    p.run(ev().select_tables("a"))
    return p
