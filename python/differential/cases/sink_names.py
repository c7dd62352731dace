"""Sink names."""

def run(dlt, workdir):
    got = []
    @dlt.destination(batch_size=10)
    def sink(items, table):
        got.append([table["name"], sorted(table["columns"]), items])
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=sink); p.run([{"camelCase": 1}], table_name="MyTable"); return [got]
