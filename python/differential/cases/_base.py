"""What the scripts share."""

ROWS = [{"id": 1, "name": "a", "kids": [{"x": 1}, {"x": 2}]}, {"id": 2, "name": "b", "kids": []}]


def duck(dlt, workdir, name="p", **options):
    """A pipeline into a DuckDB file."""
    options.setdefault("dataset_name", "d")
    return dlt.pipeline(
        name, pipelines_dir=f"{workdir}/pl", destination=dlt.destinations.duckdb(f"{workdir}/{name}.duckdb"), **options
    )


def folder(dlt, workdir, name="p", layout=None, **options):
    """A pipeline into a folder."""
    options.setdefault("dataset_name", "d")
    given = {"layout": layout} if layout else {}
    return dlt.pipeline(
        name, pipelines_dir=f"{workdir}/pl", destination=dlt.destinations.filesystem(f"{workdir}/out", **given), **options
    )


def failure(call, *args, **kwargs):
    """The names of the exceptions of a call, the outer one first."""
    try:
        call(*args, **kwargs)
    except Exception as cause:
        names = []
        while cause is not None and type(cause).__module__.split(".")[0] in ("dlt", "windlass", "builtins"):
            names.append(type(cause).__name__)
            cause = cause.__cause__
        return names
    return "no error"


TABLES = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, age INTEGER);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), price NUMERIC(10,2), made DATETIME);
    INSERT INTO users VALUES (1, 'ann', 30), (2, 'bob', NULL), (3, 'cid', 25);
    INSERT INTO orders VALUES (1, 1, 9.99, '2024-01-01 10:00:00.000000'), (2, 1, 5, '2024-01-02 10:00:00.000000'),
        (3, 3, 0.5, '2024-01-03 10:00:00.000000');
    CREATE VIEW rich AS SELECT id, name FROM users WHERE age > 26;
"""

EVENTS = """
    CREATE TABLE ev (id INTEGER PRIMARY KEY, upd DATETIME, grp TEXT);
    INSERT INTO ev VALUES (1, '2024-01-01 01:00:00.000000', 'a'), (2, '2024-01-01 02:00:00.000000', 'b'),
        (3, '2024-01-01 03:00:00.000000', 'a'), (4, '2024-01-01 04:00:00.000000', 'b'),
        (5, '2024-01-01 05:00:00.000000', 'a'), (6, '2024-01-01 06:00:00.000000', 'b');
"""


def sqlite(workdir, sql=TABLES, name="source"):
    """A database with these tables; gives its URL. More SQL goes to the same file."""
    import sqlite3

    connection = sqlite3.connect(f"{workdir}/{name}.db")
    connection.executescript(sql)
    connection.commit()
    connection.close()
    return f"sqlite:///{workdir}/{name}.db"


def sql(dlt):
    """The module of SQL sources."""
    import importlib

    return importlib.import_module(f"{dlt.__name__}.sources.sql_database")
