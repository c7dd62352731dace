"""Inc min."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", last_value_func=min)):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": i} for i in range(10, 20)])); p.run(t([{"ts": i} for i in range(5, 12)])); return p
