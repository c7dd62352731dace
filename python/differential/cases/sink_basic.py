"""Sink basic."""

def run(dlt, workdir):
    got = []
    @dlt.destination(batch_size=2)
    def sink(items, table):
        got.append([table["name"], [dict(i) for i in items]])
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=sink); info = p.run([{"id": i} for i in range(5)], table_name="t"); return [got, info.dataset_name]
