"""Run hints."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    for v in (1, 2):
        p.run([{"id": 1, "v": v}], table_name="t", write_disposition="merge", primary_key="id", columns={"v": {"data_type": "double"}})
    return p
