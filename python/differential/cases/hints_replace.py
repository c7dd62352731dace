"""Hints replace."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run(ROWS, table_name="t", write_disposition="replace"); p.run(ROWS[:1], table_name="t", write_disposition="replace"); return p
