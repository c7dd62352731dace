"""Step apart new columns."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.extract([{"a": 1}], table_name="t"); p.extract([{"b": "x"}], table_name="t"); p.normalize(); p.load(); return p
