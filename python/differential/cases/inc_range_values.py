"""Inc range values."""

from _base import duck


def run(dlt, workdir):
    seen = []
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", initial_value=1)):
        seen.append([at.initial_value, at.last_value, at.start_value, at.end_value])
        yield rows
        seen.append([at.last_value, at.start_value])
    p = duck(dlt, workdir); p.run(t([{"ts": 3}])); p.run(t([{"ts": 5}])); return [p, seen]
