"""Data two runs default schema."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"x": 1}], table_name="a"); p.run([{"y": 1}], table_name="b"); return p
