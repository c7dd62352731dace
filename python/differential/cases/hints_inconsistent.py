"""Hints inconsistent."""

from _base import failure


def run(dlt, workdir):
    return [failure(dlt.resource, [], name="x", columns=lambda row: {})]
