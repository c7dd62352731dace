"""SQL: metadata."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    import sqlalchemy as sa
    sql_database = sql(dlt).sql_database

    metadata = sa.MetaData()
    sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
    p = duck(dlt, workdir)
    p.run(sql_database(sqlite(workdir), metadata=metadata, table_names=["users"]))
    return p
