"""Config pipeline prefix."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["PP__SOURCES__N"] = "1"; os.environ["SOURCES__N"] = "2"
    p = duck(dlt, workdir, "pp")
    @dlt.source
    def s(n: int = 0):
        return dlt.resource([{"n": n}], name="t")
    p.run(s())
    return p
