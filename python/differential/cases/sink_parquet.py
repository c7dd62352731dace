"""Sink parquet."""

def run(dlt, workdir):
    got = []
    @dlt.destination(batch_size=2, loader_file_format="parquet")
    def sink(items, table):
        got.append(items.num_rows)
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=sink); p.run([{"id": i} for i in range(5)], table_name="t"); return [got]
