"""Mark file import parquet."""

from _base import duck


def run(dlt, workdir):
    import pyarrow as pa, pyarrow.parquet as pq
    pq.write_table(pa.table({"a": [1, 2]}), workdir + "/x.parquet")
    @dlt.resource(columns={"a": {"data_type": "bigint"}})
    def t():
        yield dlt.mark.with_file_import(workdir + "/x.parquet", "parquet", 2)
    p = duck(dlt, workdir)
    p.run(t())
    return [p.dataset().t.select("a").fetchall()]
