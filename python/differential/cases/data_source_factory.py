"""Data source factory."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def things():
        return dlt.resource([{"x": 1}], name="z")
    p = duck(dlt, workdir)
    p.run(things)
    return p
