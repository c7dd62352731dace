"""Inc missing exclude."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts", on_cursor_value_missing="exclude")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": None}])); p.run(t([{"ts": 1}, {"x": 1}, {"ts": 2}])); return p
