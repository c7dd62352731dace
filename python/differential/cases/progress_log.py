"""Progress log."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir, progress="log"); p.run([{"a": 1}], table_name="t"); return p
