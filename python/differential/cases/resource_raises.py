"""Resource raises."""

from _base import duck, failure


def run(dlt, workdir):
    @dlt.resource
    def t():
        yield {"a": 1}
        raise KeyError("boom")
    p = duck(dlt, workdir)
    return [failure(p.run, t()), p.first_run]
