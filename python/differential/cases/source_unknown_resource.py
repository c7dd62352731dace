"""Source unknown resource."""

from _base import failure


def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([{"a": 1}], name="x")
    return [failure(s().with_resources, "nope"), failure(getattr, s(), "nope")]
