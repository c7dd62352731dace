"""Cursors, keys and the same key twice, as Python meets them."""

import sqlite3

import pyarrow
import pytest

import windlass as dlt
from windlass.sources.sql_database import sql_table

ROWS = [
    {"id": 1, "seq": 9, "v": "new", "l": [1]},
    {"id": 2, "seq": 1, "v": "old", "l": [1, 2, 3]},
    {"id": 1, "seq": 3, "v": "old", "l": [7, 8]},
    {"id": 2, "seq": 8, "v": "new", "l": [4]},
    {"id": 3, "seq": 5, "v": "old", "l": []},
    {"id": 3, "seq": 5, "v": "new", "l": [6]},
]


def values(pipeline, table, *columns):
    frame = pipeline.dataset()[table].df()
    return sorted(zip(*(frame[column].tolist() for column in columns)))


@pytest.mark.parametrize("strategy", ["delete-insert", "upsert"])
def test_the_newest_of_several_dicts_with_one_key_stays(pipeline, strategy):
    @dlt.resource(name="t", primary_key="id", write_disposition={"disposition": "merge", "strategy": strategy})
    def rows(seq=dlt.sources.incremental("seq")):
        yield from ROWS

    pipeline.run(rows())
    assert values(pipeline, "t", "id", "v") == [(1, "new"), (2, "new"), (3, "new")]
    assert values(pipeline, "t__l", "value") == [(1,), (4,), (6,)]


def test_the_newest_of_several_rows_of_frames_with_one_key_stays(pipeline):
    @dlt.resource(name="t", primary_key="id", write_disposition="merge")
    def frames(seq=dlt.sources.incremental("seq")):
        flat = [{key: row[key] for key in ("id", "seq", "v")} for row in ROWS]
        yield pyarrow.Table.from_pylist(flat[:4])
        yield pyarrow.Table.from_pylist(flat[4:])

    pipeline.run(frames())
    assert values(pipeline, "t", "id", "v") == [(1, "new"), (2, "new"), (3, "new")]


def test_a_frame_that_did_not_change_is_no_new_version(pipeline):
    @dlt.resource(name="t", write_disposition={"disposition": "merge", "strategy": "scd2"})
    def frame():
        yield pyarrow.Table.from_pylist([{"id": 1, "v": "a"}, {"id": 2, "v": None}])

    pipeline.run(frame())
    pipeline.run(frame())
    assert values(pipeline, "t", "id") == [(1,), (2,)]


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_a_key_that_no_record_has_is_refused(pipeline, disposition):
    for rows in ([{"id": 1}], pyarrow.Table.from_pylist([{"id": 1}])):
        resource = dlt.resource([rows] if isinstance(rows, pyarrow.Table) else rows, name="t", primary_key="Idd")
        with pytest.raises(Exception, match="no record has `Idd`"):
            pipeline.run(resource, write_disposition=disposition)
    pipeline.run(dlt.resource([], name="t", primary_key="Idd", write_disposition=disposition))


@pytest.mark.parametrize("declared", ["bigint", "decimal"])
def test_texts_of_a_column_of_numbers_are_compared_as_numbers(pipeline, declared):
    def load(*texts):
        @dlt.resource(name="t", columns={"u": {"data_type": declared}})
        def rows(u=dlt.sources.incremental("u")):
            yield from ({"u": text} for text in texts)

        pipeline.run(rows())

    load("9", "-10")
    load("10", "8")
    assert sorted(int(value) for (value,) in values(pipeline, "t", "u")) == [-10, 9, 10]


def test_texts_of_a_column_of_timestamps_are_compared_as_instants(pipeline):
    def run(*rows):
        @dlt.resource(name="t", columns={"u": {"data_type": "timestamp"}})
        def texts(u=dlt.sources.incremental("u")):
            yield list(rows)

        pipeline.run(texts())

    run({"id": 1, "u": "2024-01-01T00:00:00Z"})
    run({"id": 2, "u": "2024-01-01T00:00:00.5Z"}, {"id": 3, "u": "2023-12-31T23:59:59.9Z"})
    assert values(pipeline, "t", "id") == [(1,), (2,)]


@pytest.mark.parametrize("backend", ["sqlalchemy", "pyarrow"])
@pytest.mark.parametrize(
    "form",
    [
        "'2024-05-01T10:00:%02d'",
        "'2024-05-01T10:00:%02d.5Z'",
        "'2024-05-01 %02d:00:00-05:00'",
        "17145576%02d",
        "'2024-05-01 10:%02d'",
        "'2024-05-01 10:00:00.0%02d'",
    ],
)
def test_a_cursor_of_sqlite_finds_what_is_new_whatever_the_form(tmp_path, pipeline, backend, form):
    def insert(ids):
        connection = sqlite3.connect(tmp_path / "s.db")
        connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, u DATETIME)")
        for number in ids:
            connection.execute(f"INSERT INTO t VALUES ({number}, {form % (number // 2)})")
        connection.commit()
        connection.close()

    def run(order):
        table = sql_table(
            f"sqlite:///{tmp_path}/s.db", "t", backend=backend, incremental=dlt.sources.incremental("u", row_order=order)
        )
        pipeline.run(table, write_disposition="append")

    insert(range(0, 5))
    run(None)
    insert(range(5, 12))
    run(None)
    insert(range(12, 16))
    run("asc")
    assert values(pipeline, "t", "id") == [(number,) for number in range(16)]


DECLARED = {
    "bigint": (["9"], ["10"]),
    "decimal": (["9.5"], ["10.25"]),
    "double": (["9.5"], ["10.25"]),
    "wei": (["9"], [str(2**80)]),
    "timestamp": (["2024-01-02T00:00:00Z"], ["2024-01-01T23:30:00-05:00"]),
    "date": (["2024-01-02"], ["2024-01-03"]),
}


@pytest.mark.parametrize(
    "options", [{}, {"backend": "pyarrow"}, {"row_order": "asc"}, {"adapter": True}, {"reflection_level": "minimal"}]
)
@pytest.mark.parametrize("declared", DECLARED)
def test_a_text_cursor_that_is_declared_otherwise_loses_no_rows(tmp_path, pipeline, declared, options, caplog):
    pytest.importorskip("sqlalchemy")
    first, second = DECLARED[declared]
    kwargs = {key: value for key, value in options.items() if key in ("backend", "reflection_level")}
    if "adapter" in options:
        kwargs["query_adapter_callback"] = lambda query, table: query

    def run(values):
        connection = sqlite3.connect(tmp_path / "s.db")
        connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, c TEXT)")
        connection.executemany("INSERT INTO t (c) VALUES (?)", [(value,) for value in values])
        connection.commit()
        connection.close()
        cursor = dlt.sources.incremental("c", row_order=options.get("row_order"))
        table = sql_table(f"sqlite:///{tmp_path}/s.db", "t", incremental=cursor, **kwargs)
        table.apply_hints(columns={"c": {"data_type": declared}})
        pipeline.run(table, write_disposition="append")

    run(first)
    run(second)
    run([])
    assert values(pipeline, "t", "id") == [(1,), (2,)]
    assert "whose order is another" in caplog.text


def test_a_limit_does_not_cut_texts_in_the_order_of_their_letters(tmp_path, pipeline):
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.executescript("CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('9'), ('10')")
    connection.close()
    table = sql_table(f"sqlite:///{tmp_path}/s.db", "t", incremental=dlt.sources.incremental("c", row_order="asc"))
    table.apply_hints(columns={"c": {"data_type": "bigint"}})
    with pytest.raises(Exception, match="casts `c`"):
        pipeline.run(table.add_limit(1, count_rows=True))


@pytest.mark.parametrize("order", [None, "asc"])
@pytest.mark.parametrize(("collation", "first", "second"), [("NOCASE", ["Z"], ["b"]), ("RTRIM", ["a"], ["a ", "a  "])])
def test_a_collation_of_sqlite_leaves_no_rows_out_with_sqlalchemy(tmp_path, pipeline, collation, first, second, order):
    pytest.importorskip("sqlalchemy")
    for texts in (first, second):
        connection = sqlite3.connect(tmp_path / "s.db")
        connection.execute(f"CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, c TEXT COLLATE {collation})")
        connection.executemany("INSERT INTO t (c) VALUES (?)", [(text,) for text in texts])
        connection.commit()
        connection.close()
        table = sql_table(
            f"sqlite:///{tmp_path}/s.db",
            "t",
            incremental=dlt.sources.incremental("c", row_order=order),
            query_adapter_callback=lambda query, table: query,
        )
        pipeline.run(table, write_disposition="append")
    assert values(pipeline, "t", "c") == [(text,) for text in sorted(first + second)]
