"""Schema export."""

from _base import duck


def run(dlt, workdir):
    import pathlib
    p = duck(dlt, workdir, export_schema_path=workdir + "/ex"); p.run([{"a": 1}], table_name="t"); return [sorted(x.name for x in pathlib.Path(workdir, "ex").glob("*"))]
