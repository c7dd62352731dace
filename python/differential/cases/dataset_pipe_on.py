"""Dataset pipe on."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run(ROWS, table_name="t"); q = duck(dlt, workdir, "q"); q.run(p.dataset().t.select("id", "name").arrow(), table_name="copy"); return q
