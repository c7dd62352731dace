"""Inc null raise."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t(at=dlt.sources.incremental("ts")):
        yield [{"ts": None}]
    p = duck(dlt, workdir)
    return [failure(p.run, t())]
