"""Hints precision."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"a": "1.25", "t": "2024-01-01T00:00:00Z"}], table_name="t", columns={"a": {"data_type": "decimal", "precision": 10, "scale": 3}, "t": {"data_type": "timestamp", "timezone": False}})
    return p
