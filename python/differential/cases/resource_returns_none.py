"""Resource returns none."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t():
        return None
    p = duck(dlt, workdir)
    return [failure(p.run, t())]
