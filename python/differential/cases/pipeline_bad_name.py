"""Pipeline bad name."""

from _base import failure


def run(dlt, workdir):
    return [failure(dlt.pipeline, "a/b", pipelines_dir=workdir)]
