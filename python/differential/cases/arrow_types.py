"""Arrow types."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa, datetime as dt, decimal
    t = pa.table({"i8": pa.array([1], pa.int8()), "f": pa.array([1.5]), "ts": pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("us", tz="UTC")), "d": pa.array([dt.date(2024, 1, 1)]), "dec": pa.array([decimal.Decimal("1.23")], pa.decimal128(10, 2)), "b": pa.array([b"x"]), "bo": pa.array([True])})
    p = duck(dlt, workdir)
    p.run(t, table_name="t")
    return p
