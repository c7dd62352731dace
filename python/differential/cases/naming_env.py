"""Naming env."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ["SCHEMA__NAMING"] = "direct"
    p = duck(dlt, workdir); p.run([{"camelCase": 1}], table_name="MyTable"); return [p.default_schema.get_table("MyTable")["columns"]["camelCase"]["data_type"]]
