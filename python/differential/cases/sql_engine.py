"""SQL: engine."""

from _base import duck, sql, sqlite


def run(dlt, workdir):
    import sqlalchemy as sa
    sql_database = sql(dlt).sql_database
    sql_table = sql(dlt).sql_table

    memory = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    with memory.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"))
        connection.execute(sa.text("INSERT INTO t VALUES (1, 'x'), (2, 'y')"))
    p, q = duck(dlt, workdir), duck(dlt, workdir, "q")
    p.run(sql_table(memory, "t"))
    q.run(sql_database(sa.create_engine(sqlite(workdir)), table_names=["users"]))
    return p, q
