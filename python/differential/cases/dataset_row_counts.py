"""Numbers of rows."""

from _base import ROWS, duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    p.run(ROWS, table_name="t")
    p.run([{"id": 3}], table_name="u")
    d = p.dataset()
    first = d.load_ids()[0]
    return [
        sorted(d.row_counts().fetchall()),
        sorted(d.row_counts(table_names=["u"]).fetchall()),
        sorted(d.row_counts(load_id=first).fetchall()),
        sorted(row[0] for row in d.row_counts(dlt_tables=True, data_tables=False).fetchall()),
        d.row_counts().columns,
        sorted(d.row_counts().df()["row_count"].tolist()),
    ]
