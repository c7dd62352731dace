"""Source none."""

from _base import failure


def run(dlt, workdir):
    @dlt.source
    def s():
        pass
    return [failure(s)]
