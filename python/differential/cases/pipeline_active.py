"""Pipeline active."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    return [dlt.pipeline() is p, dlt.current.pipeline() is p]
