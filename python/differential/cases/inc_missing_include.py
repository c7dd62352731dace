"""Inc missing include."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", on_cursor_value_missing="include")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": None, "x": 1}])); p.run(t([{"ts": 1}, {"x": 1}, {"ts": 2}])); return p
