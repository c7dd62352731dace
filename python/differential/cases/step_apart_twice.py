"""Step apart twice."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.extract(ROWS, table_name="t"); p.extract(ROWS, table_name="t"); p.normalize(); p.load(); return p
