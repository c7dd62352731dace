"""Inc datetime."""

from _base import duck


def run(dlt, workdir):
    import datetime as dt
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("at", initial_value=dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc))):
        yield rows
    d = lambda day: dt.datetime(2024, 1, day, tzinfo=dt.timezone.utc)
    p = duck(dlt, workdir); p.run(t([{"at": d(2)}, {"at": d(3)}])); p.run(t([{"at": d(3)}, {"at": d(4)}])); return p
