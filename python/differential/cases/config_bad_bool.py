"""Config bad bool."""

from _base import failure


def run(dlt, workdir):
    import os
    os.environ["B"] = "maybe"
    @dlt.source
    def s(b: bool = False):
        return dlt.resource([{"b": b}], name="t")
    return [failure(s)]
