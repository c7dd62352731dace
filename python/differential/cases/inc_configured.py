"""Inc configured."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["SOURCES__INITIAL_VALUE"] = "x"
    del os.environ["SOURCES__INITIAL_VALUE"]
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", initial_value=0)):
        yield {"ts": 1}
    p = duck(dlt, workdir)
    p.run(t())
    return p
