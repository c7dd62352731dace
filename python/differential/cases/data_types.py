"""Data types."""

from _base import duck


def run(dlt, workdir):
    import datetime as dt, decimal
    row = {"ts": dt.datetime(2024, 1, 2, 3, 4, 5, 678901), "tz": dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))), "d": dt.date(2024, 1, 1), "t": dt.time(1, 2, 3), "dec": decimal.Decimal("1.50"), "b": b"ab", "f": 1.5, "i": -7, "n": None, "flag": True}
    p = duck(dlt, workdir)
    p.run([row], table_name="t")
    return p
