"""Pipeline default dataset."""

def run(dlt, workdir):
    p = dlt.pipeline("my_thing", pipelines_dir=workdir + "/pl", destination=dlt.destinations.duckdb(workdir + "/my_thing.duckdb")); p.run([{"a": 1}], table_name="t"); return p
