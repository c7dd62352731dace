"""Data unicode."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run([{"ключ": "значение", "emoji": "😀", "ctl": "a\x01b\"\\\n"}], table_name="t")
    return p
