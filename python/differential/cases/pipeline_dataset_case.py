"""Pipeline dataset case."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir, dataset_name="My Data"); p.run([{"a": 1}], table_name="t"); return [p.default_schema_name, p.dataset().t.select("a").fetchall()]
