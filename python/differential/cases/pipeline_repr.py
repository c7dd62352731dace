"""Pipeline repr."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); return [repr(p).replace(workdir, "")]
