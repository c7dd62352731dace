"""Data none."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [p.run(None) is None]
