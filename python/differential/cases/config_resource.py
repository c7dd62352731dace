"""Config resource."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["SOURCES__CASE_CONFIG_RESOURCE__T__N"] = "4"
    @dlt.resource
    def t(n: int = dlt.config.value, flag: bool = False):
        yield {"n": n, "flag": flag}
    p = duck(dlt, workdir)
    p.run(t())
    return p
