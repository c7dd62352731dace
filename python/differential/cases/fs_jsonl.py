"""Fs jsonl."""

from _base import ROWS, folder


def run(dlt, workdir):
    p = folder(dlt, workdir); p.run(ROWS, table_name="t"); p.run(ROWS, table_name="t"); return p
