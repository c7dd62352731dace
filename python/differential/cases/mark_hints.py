"""Mark hints."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        yield dlt.mark.with_hints({"id": 1, "v": "2"}, dlt.mark.make_hints(primary_key="id", write_disposition="merge", columns={"v": {"data_type": "bigint"}}))
        yield {"id": 2, "v": "3"}
    p = duck(dlt, workdir)
    p.run(t())
    p.run(t())
    return p
