"""Current unavailable."""

from _base import failure


def run(dlt, workdir):
    return [failure(dlt.current.source_schema), failure(dlt.current.resource_name)]
