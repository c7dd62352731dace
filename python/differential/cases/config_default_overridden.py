"""Config default overridden."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["N"] = "8"
    @dlt.source
    def s(n: int = 3):
        return dlt.resource([{"n": n}], name="t")
    p = duck(dlt, workdir)
    p.run(s())
    return p
