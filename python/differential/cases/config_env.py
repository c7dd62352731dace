"""Config env."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["SOURCES__S__N"] = "7"
    @dlt.source
    def s(n: int = dlt.config.value):
        return dlt.resource([{"n": n}], name="t")
    p = duck(dlt, workdir)
    p.run(s())
    return p
