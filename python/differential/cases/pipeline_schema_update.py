"""Pipeline schema update."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); info = p.run([{"a": 1, "b": "x"}], table_name="t")
    return [{t: {c: v["data_type"] for c, v in u["columns"].items()} for t, u in info.load_packages[0].schema_update.items()}]
