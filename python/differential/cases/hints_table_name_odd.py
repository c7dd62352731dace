"""Hints table name odd."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"Some Key": 1, "camelCase": 2}], table_name="Odd Name-x")
    return p
