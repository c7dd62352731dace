"""Data dict refused."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [failure(p.run, {"a": 1}, table_name="t"), failure(p.run, 5, table_name="t")]
