"""Sink config."""

def run(dlt, workdir):
    import os
    os.environ["DESTINATION__SINK__KEY"] = "k"
    got = []
    @dlt.destination(batch_size=10)
    def sink(items, table, key: str = dlt.secrets.value, n: int = 3):
        got.append([key, n])
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=sink(n=4)); p.run([{"id": 1}], table_name="t"); return [got]
