"""Config dataset layout."""

def run(dlt, workdir):
    import os
    os.environ["DATASET_NAME_LAYOUT"] = "dev_%s"
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=dlt.destinations.duckdb(workdir + "/p.duckdb"))
    return [p.dataset_name]
