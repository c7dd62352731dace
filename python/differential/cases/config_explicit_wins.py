"""Config explicit wins."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["N"] = "8"
    @dlt.source
    def s(n: int = 3):
        return dlt.resource([{"n": n}], name="t")
    p = duck(dlt, workdir)
    p.run(s(1))
    return p
