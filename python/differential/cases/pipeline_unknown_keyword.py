"""Pipeline unknown keyword."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [failure(p.run, [], nonsense=1), failure(dlt.pipeline, nonsense=1)]
