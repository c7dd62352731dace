"""Sink nested."""

from _base import ROWS


def run(dlt, workdir):
    got = []
    @dlt.destination(batch_size=10)
    def sink(items, table):
        got.extend(items)
    p = dlt.pipeline("p", pipelines_dir=workdir + "/pl", destination=sink); p.run(ROWS, table_name="t"); return [got]
