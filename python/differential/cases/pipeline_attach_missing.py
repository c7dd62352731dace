"""Pipeline attach missing."""

from _base import failure


def run(dlt, workdir):
    return [failure(dlt.attach, "nothing", pipelines_dir=workdir + "/pl")]
