"""Inc date."""

from _base import duck


def run(dlt, workdir):
    import datetime as dt
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("at", initial_value=dt.date(2024, 1, 1))):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"at": dt.date(2024, 1, 5)}])); p.run(t([{"at": dt.date(2024, 1, 4)}, {"at": dt.date(2024, 1, 6)}])); return p
