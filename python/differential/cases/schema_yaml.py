"""Schema yaml."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    s = p.default_schema
    return [s.data_table_names(), sorted(s.dlt_table_names()), s.get_table("t__kids")["parent"], list(s.get_table_columns("t")), dlt.Schema.from_dict(s.to_dict()).version_hash == s.version_hash]
