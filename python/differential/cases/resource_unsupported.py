"""Resource unsupported."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [failure(p.run, [{"a": object()}], table_name="t")[:2], failure(p.run, [{"a": {1, 2}}], table_name="t")[:2]]
