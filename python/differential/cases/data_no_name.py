"""Data no name."""

from _base import duck, failure


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [failure(p.run, [{"a": 1}])]
