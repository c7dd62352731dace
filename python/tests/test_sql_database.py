"""SQL databases as sources."""

import datetime
import decimal
import sqlite3

import pytest

import windlass as dlt
from windlass.sources.credentials import ConnectionStringCredentials
from windlass.sources.sql_database import (
    TableLoader,
    register_table_loader_backend,
    remove_nullability_adapter,
    sql_database,
    sql_table,
)

TABLES = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, doc JSON);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), price NUMERIC(10,2), made DATETIME);
    INSERT INTO users VALUES (1, 'ann', '{"a": [1]}'), (2, 'bob', NULL);
    INSERT INTO orders VALUES (1, 1, 9.99, '2024-01-01 10:00:00'), (2, 1, 5, NULL);
    CREATE VIEW rich AS SELECT id FROM users;
"""


@pytest.fixture
def url(tmp_path):
    connection = sqlite3.connect(tmp_path / "source.db")
    connection.executescript(TABLES)
    connection.close()
    return f"sqlite:///{tmp_path}/source.db"


def add(tmp_path, sql):
    connection = sqlite3.connect(tmp_path / "source.db")
    connection.executescript(sql)
    connection.close()


def test_tables_become_resources(url, pipeline):
    source = sql_database(url)
    assert (source.name, sorted(source.resources)) == ("sql_database", ["orders", "users"])
    pipeline.run(source)
    assert pipeline.dataset().users.df()["name"].tolist() == ["ann", "bob"]
    assert sorted(sql_database(url, include_views=True).resources) == ["orders", "rich", "users"]
    assert sorted(sql_database(url, table_names=["o*", "rich"]).resources) == ["orders", "rich"]


def test_rows_are_python_values_where_python_sees_them(url):
    rows = list(sql_table(url, "orders"))
    assert rows[0] == {
        "id": 1,
        "user_id": 1,
        "price": decimal.Decimal("9.99"),
        "made": datetime.datetime(2024, 1, 1, 10),
    }
    assert list(sql_table(url, "users"))[0]["doc"] == {"a": [1]}
    seen = []
    list(sql_table(url, "users").add_map(lambda row: seen.append(row["name"]) or row))
    assert seen == ["ann", "bob"]


def test_columns_are_arrow_where_a_backend_of_columns_is_named(url):
    tables = list(sql_table(url, "orders", backend="pyarrow", chunk_size=1))
    assert [table.num_rows for table in tables] == [1, 1]
    assert str(tables[0].schema.field("price").type) == "decimal128(10, 2)"
    frames = list(sql_table(url, "orders", backend="pandas"))
    assert frames[0]["id"].tolist() == [1, 2]
    assert list(sql_table(url, "orders", backend="connectorx"))[0].num_rows == 2


def test_no_python_value_is_made_where_nobody_looks(url, pipeline, monkeypatch):
    from windlass.sources.sql_database import reading

    def refuse(*_):
        raise AssertionError("rows were made")

    monkeypatch.setattr(reading, "_rows", refuse)
    pipeline.run(sql_table(url, "orders"))
    assert len(pipeline.dataset().orders.df()) == 2
    assert "_dlt_id" in pipeline.dataset().orders.columns


def test_credentials_have_many_forms(url, tmp_path):
    path = f"{tmp_path}/source.db"
    forms = [
        {"drivername": "sqlite", "database": path},
        ConnectionStringCredentials(url),
        ConnectionStringCredentials({"drivername": "sqlite", "database": path}),
    ]
    for form in forms:
        assert len(list(sql_table(form, "users"))) == 2
    credentials = ConnectionStringCredentials("postgresql+psycopg2://u:p%40ss@h:1/d?sslmode=require")
    assert (credentials.username, credentials.password, credentials.port) == ("u", "p@ss", 1)
    assert credentials.query == {"sslmode": "require"}
    assert "p@ss" not in repr(credentials)
    with pytest.raises(ValueError, match="name no database"):
        sql_table(5, "users")


def test_an_engine_is_used_as_it_is(url):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t (a INTEGER PRIMARY KEY)"))
        connection.execute(sqlalchemy.text("INSERT INTO t VALUES (7)"))
    assert list(sql_table(engine, "t")) == [{"a": 7}]
    assert list(sql_table(engine, "t", backend="pyarrow"))[0].to_pylist() == [{"a": 7}]
    assert list(sql_database(engine).resources) == ["t"]
    assert len(list(sql_table(sqlalchemy.create_engine(url), "users"))) == 2


def test_what_is_wrong_is_said(url):
    with pytest.raises(ValueError, match="Could not reflect.*did you mean `users`"):
        sql_table(url, "user")
    with pytest.raises(ValueError, match="there is no table `user`"):
        sql_database(url, table_names=["user"])
    with pytest.raises(ValueError, match="there is no backend `arrow`"):
        sql_table(url, "users", backend="arrow")
    with pytest.raises(ValueError, match="reflection level"):
        sql_table(url, "users", reflection_level="most")
    with pytest.raises(ValueError, match="needs table_names"):
        sql_database(url, defer_table_reflect=True)
    with pytest.raises(Exception, match="no column `x`"):
        list(sql_table(url, "users", incremental=dlt.sources.incremental("x")))


def test_passwords_are_not_shown():
    with pytest.raises(Exception) as caught:
        sql_table("postgresql://u:hunter2@127.0.0.1:1/d", "t")
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_chunks_and_limits_work_together(url, tmp_path, pipeline):
    add(tmp_path, "CREATE TABLE n (id INTEGER PRIMARY KEY); " + "".join(f"INSERT INTO n VALUES ({i});" for i in range(10)))
    counts = []
    for _ in range(4):
        table = sql_table(url, "n", chunk_size=4)
        table.apply_hints(primary_key="id", incremental=dlt.sources.incremental("id", row_order="asc"))
        pipeline.run(table.add_limit(1))
        counts.append(len(pipeline.dataset().n.df()))
    # Each run reads the last row of the one before again.
    assert counts == [4, 7, 10, 10]


def test_a_deferred_table_is_looked_at_when_it_is_read(url, pipeline):
    table = sql_table(url, "users", defer_table_reflect=True)
    assert not table.columns
    pipeline.run(table)
    columns = pipeline.default_schema.tables["users"]["columns"]
    assert columns["id"]["primary_key"] is True
    assert columns["name"]["data_type"] == "text"


def test_foreign_keys_become_references(url, pipeline):
    pipeline.run(sql_database(url, resolve_foreign_keys=True))
    assert pipeline.default_schema.tables["orders"]["references"] == [
        {"referenced_table": "users", "columns": ["user_id"], "referenced_columns": ["id"]}
    ]


def test_callbacks_get_tables_and_queries_of_sqlalchemy(url):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    rows = list(sql_table(url, "users", query_adapter_callback=lambda query, table: query.where(table.c.id > 1)))
    assert [row["id"] for row in rows] == [2]
    seen = []

    def adapter(query, table, incremental, engine):
        seen.append((incremental is not None, engine.dialect.name))
        return sqlalchemy.text("SELECT 5 AS five")

    table = sql_table(url, "users", query_adapter_callback=adapter)
    assert list(table) == [{"five": 5}]
    assert seen == [(False, "sqlite")]
    table = sql_table(url, "orders", type_adapter_callback=lambda kind: None)
    assert all("data_type" not in column for column in table.columns.values())
    table = sql_table(url, "users", table_adapter_callback=remove_nullability_adapter)
    assert all("nullable" not in column for column in table.columns.values())


def test_a_loader_can_be_registered(url):
    pytest.importorskip("sqlalchemy")

    class Twice(TableLoader):
        def load_rows(self, backend_kwargs=None):
            for rows in super().load_rows(backend_kwargs):
                yield rows + rows

    with pytest.raises(ValueError, match="no backend"):
        sql_table(url, "users", backend="twice")
    register_table_loader_backend("twice", Twice)
    assert len(list(sql_table(url, "users", table_loader_class=Twice))) == 4


def test_duckdb_is_read_with_its_types(tmp_path, pipeline):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{tmp_path}/source.duckdb' AS source (STORAGE_VERSION 'v1.3.0'); USE source")
    connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, big HUGEINT, tags VARCHAR[], made TIMESTAMPTZ)")
    connection.execute("INSERT INTO t VALUES (1, 12345678901234567890, ['a', 'b'], '2024-01-01 00:00:00+00')")
    connection.close()
    row = list(sql_table(f"duckdb:///{tmp_path}/source.duckdb", "t"))[0]
    assert row == {
        "id": 1,
        "big": decimal.Decimal("12345678901234567890"),
        "tags": ["a", "b"],
        "made": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
    }
    pipeline.run(sql_table(f"duckdb:///{tmp_path}/source.duckdb", "t", reflection_level="minimal"))
    assert pipeline.dataset().t__tags.df()["value"].tolist() == ["a", "b"]


def test_a_value_that_does_not_fit_is_an_error(url, tmp_path):
    add(tmp_path, "CREATE TABLE bad (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO bad VALUES (1, 5), (2, 'x')")
    with pytest.raises(Exception, match="a text that is no integer"):
        list(sql_table(url, "bad"))
