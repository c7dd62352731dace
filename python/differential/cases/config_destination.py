"""Config destination."""

def run(dlt, workdir):
    import os
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = workdir + "/p.duckdb"
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination="duckdb", dataset_name="d"); p.run([{"a": 1}], table_name="t"); return p
