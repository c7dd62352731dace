"""Mark variant."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        yield dlt.mark.with_hints({"id": 1, "v": "2"}, dlt.mark.make_hints(table_name="va", primary_key="id", columns={"v": {"data_type": "bigint"}}), create_table_variant=True)
        yield dlt.mark.with_table_name({"id": 2, "v": "3"}, "va")
        yield {"id": 3}
    p = duck(dlt, workdir)
    p.run(t())
    return p
