"""Config accessors."""

from _base import failure


def run(dlt, workdir):
    import os
    os.environ["X__Y"] = "5"
    dlt.config["my.value"] = 7
    dlt.secrets["my.secret"] = "s"
    return [dlt.config["x.y"], dlt.config.get("x.y", int), dlt.config["my.value"], dlt.secrets["my.secret"], dlt.config.get("no.such"), failure(lambda: dlt.config["no.such"])]
