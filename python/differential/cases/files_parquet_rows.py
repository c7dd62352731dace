"""Parquet as Python has it."""

from _files import source


def write(workdir):
    import datetime
    import decimal
    import os

    import pyarrow as pa
    import pyarrow.parquet as pq

    noon = datetime.datetime(2020, 1, 1, 12, 0, 0, 123456)
    table = pa.table(
        {
            "i": [1, 2, None],
            "s": ["a", None, "ü\\n"],
            "at": pa.array([noon, None, noon], pa.timestamp("us", "UTC")),
            "naive": pa.array([noon, None, noon], pa.timestamp("us")),
            "day": [datetime.date(2020, 1, 1)] * 3,
            "dec": pa.array([decimal.Decimal("1.50")] * 3, pa.decimal128(5, 2)),
            "st": [{"q": 1}] * 3,
            "f": [1.0, 1e300, None],
            "b": [True, None, False],
            "raw": [b"ab", None, b""],
        }
    )
    os.makedirs(f"{workdir}/in")
    pq.write_table(table, f"{workdir}/in/p.parquet")


def run(dlt, workdir):
    write(workdir)
    return [list(source(dlt).filesystem(f"{workdir}/in") | source(dlt).read_parquet())]
