"""Fs replace."""

from _base import ROWS, folder


def run(dlt, workdir):
    p = folder(dlt, workdir); p.run(ROWS, table_name="t", write_disposition="replace"); p.run(ROWS[:1], table_name="t", write_disposition="replace"); return p
