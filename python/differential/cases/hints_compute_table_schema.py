"""Hints compute table schema."""

def run(dlt, workdir):
    r = dlt.resource([{"id": 1}], name="t", primary_key="id", merge_key="m", columns={"v": {"data_type": "text"}}, write_disposition="merge")
    return [r.compute_table_schema()]
