"""Resource none data."""

from _base import failure


def run(dlt, workdir):
    return [failure(dlt.resource, None, name="x") if False else "ok", failure(dlt.resource, "text", name="x"), failure(dlt.resource, {"a": 1}, name="x")]
