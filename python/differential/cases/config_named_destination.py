"""Config named destination."""

def run(dlt, workdir):
    import os
    os.environ["DESTINATION__MINE__DESTINATION_TYPE"] = "duckdb"; os.environ["DESTINATION__MINE__CREDENTIALS"] = workdir + "/p.duckdb"
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination="mine", dataset_name="d"); p.run([{"a": 1}], table_name="t"); return [p.dataset().t.select("a").fetchall(), p.destination.destination_name]
