"""Resource circular."""

from _base import duck, failure


def run(dlt, workdir):
    l = []
    l.append(l)
    p = duck(dlt, workdir)
    return [failure(p.run, [{"a": l}], table_name="t")[0]]
