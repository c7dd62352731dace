"""Columns that have types: frames of pyarrow, pandas and polars, and tables whose columns change their type."""

import datetime
import decimal
import sqlite3

import pytest

import windlass as dlt
from windlass.sources.sql_database import sql_table


def rows(pipeline, sql):
    with pipeline.sql_client() as client:
        return [tuple(row) for row in client.execute_sql(sql)]


def types(pipeline, table="t"):
    columns = pipeline.default_schema.tables[table]["columns"]
    return {name: column["data_type"] for name, column in columns.items() if not name.startswith("_dlt")}


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


def test_polars_columns_of_nulls_have_no_type_and_lose_no_rows(pipeline, polars):
    pipeline.run([polars.DataFrame({"a": [1, 2], "n": [None, None]})], table_name="t")
    assert types(pipeline) == {"a": "bigint"}
    assert rows(pipeline, "SELECT a FROM t ORDER BY a") == [(1,), (2,)]
    pipeline.run([polars.DataFrame({"a": [3], "n": ["x"]})], table_name="t")
    assert rows(pipeline, "SELECT a, n FROM t ORDER BY a") == [(1, None), (2, None), (3, "x")]


def test_polars_nulls_within_lists_and_structs(pipeline, polars):
    frame = polars.DataFrame({"a": [1], "l": [[None]], "s": [{"x": None, "y": 2}]})
    pipeline.run([frame], table_name="t")
    assert rows(pipeline, "SELECT a FROM t") == [(1,)]


def test_empty_polars_frames(pipeline, polars):
    pipeline.run([polars.DataFrame({"a": []}), polars.DataFrame(), polars.DataFrame({"b": [1]}).clear()], table_name="t")
    pipeline.run([polars.DataFrame({"b": [1]})], table_name="t")
    assert rows(pipeline, "SELECT b FROM t") == [(1,)]


def test_lazy_frames_of_polars_are_computed(pipeline, polars):
    lazy = polars.DataFrame({"a": [1, 2], "n": [None, None]}).lazy().filter(polars.col("a") > 1)

    @dlt.resource(name="t")
    def frames():
        yield lazy
        yield [lazy]

    pipeline.run(frames())
    pipeline.run(lazy, table_name="t")
    pipeline.run([lazy], table_name="t")
    assert rows(pipeline, "SELECT a FROM t") == [(2,)] * 4


def test_unsigned_columns_of_frames_are_whole(pipeline, polars):
    values = {"u8": [1, 200], "u16": [1, 40_000], "u32": [1, 3_000_000_000]}
    kinds = {"u8": polars.UInt8, "u16": polars.UInt16, "u32": polars.UInt32}
    pipeline.run([polars.DataFrame(values, schema=kinds)], table_name="t")
    assert rows(pipeline, "SELECT sum(u8), sum(u16), sum(u32) FROM t") == [(201, 40_001, 3_000_000_001)]
    assert list(types(pipeline)) == ["u8", "u16", "u32"]


def test_decimals_of_any_precision_in_frames(pipeline):
    pa = pytest.importorskip("pyarrow")
    long = decimal.Decimal("1234567890123456789012345678901234567890.12")
    table = pa.table({"v": pa.array([decimal.Decimal("1.50"), long], pa.decimal256(50, 2))})
    pipeline.run(table, table_name="t")
    pipeline.run(table, table_name="t")
    found = rows(pipeline, "SELECT v, v__v_text FROM t ORDER BY v NULLS LAST")
    assert found == [(decimal.Decimal("1.5"), None)] * 2 + [(None, str(long))] * 2


def test_maps_of_frames_keep_every_entry(pipeline):
    pa = pytest.importorskip("pyarrow")
    import json

    once = pa.array([[("a", 1), ("A", 2)]], pa.map_(pa.string(), pa.int64()))
    twice = pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
    pipeline.run(pa.table({"once": once, "twice": twice}), table_name="t")
    [(once, twice)] = rows(pipeline, "SELECT once, twice FROM t")
    assert json.loads(once) == {"a": 1, "A": 2}
    assert json.loads(twice) == [["a", 1], ["a", 2]]


def test_uuids_of_frames_are_texts(pipeline):
    pa = pytest.importorskip("pyarrow")
    if not hasattr(pa, "uuid"):
        pytest.skip("this pyarrow has no UUIDs")
    array = pa.array([bytes(range(16))], pa.uuid())
    pipeline.run(pa.table({"u": array}), table_name="t")
    assert rows(pipeline, "SELECT u FROM t") == [("00010203-0405-0607-0809-0a0b0c0d0e0f",)]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_one_instant_is_one_value_in_every_unit(pipeline, unit):
    pa = pytest.importorskip("pyarrow")
    ticks = {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    far, near = 253_402_300_800, -1
    table = pa.table({"t": pa.array([far * ticks, near * ticks], pa.int64()).cast(pa.timestamp(unit))})
    pipeline.run(table, table_name="t")
    found = rows(pipeline, "SELECT epoch(t), t__v_text FROM t ORDER BY t NULLS LAST")
    assert found == [(-1.0, None), (None, "+10000-01-01T00:00:00")]


def test_instants_that_no_64_bits_of_microseconds_hold(pipeline):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"t": pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("ms"))})
    pipeline.run(table, table_name="t")
    assert rows(pipeline, "SELECT t, t__v_text FROM t") == [(None, str(2**63 - 1))]


def test_nanoseconds_before_1970_are_rounded_down(pipeline):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"t": pa.array([-1], pa.int64()).cast(pa.timestamp("ns"))})
    pipeline.run(table, table_name="t")
    assert rows(pipeline, "SELECT epoch_us(t) FROM t") == [(-1,)]


def test_frames_that_change_a_type_lose_nothing(pipeline):
    pa = pytest.importorskip("pyarrow")
    changes = {
        "a": (pa.array([datetime.date(2024, 1, 1)]), pa.array([datetime.datetime(2024, 1, 2, 13, 14)]), "timestamp"),
        "b": (pa.array([True]), pa.array([7]), "bigint"),
        "c": (pa.array([7]), pa.array(["8"]), "text"),
        "d": (pa.array([decimal.Decimal("1.2")]), pa.array([decimal.Decimal("1.234567")]), "decimal"),
        "e": (pa.array([7]), pa.array([2.5]), "double"),
    }
    pipeline.run(pa.table({name: before for name, (before, _, _) in changes.items()}), table_name="t")
    pipeline.run(pa.table({name: after for name, (_, after, _) in changes.items()}), table_name="t")
    for name, (_, _, kind) in changes.items():
        assert rows(pipeline, f"SELECT count({name}), count({name}__v_{kind}) FROM t") == [(1, 1)], name


CHANGES_IN_ONE_LOAD = {
    "int, then text": ([1], ["x"]),
    "int, then beyond 64 bits": ([1], [decimal.Decimal(2**64 - 1)]),
    "int, then a list": ([1], [[1, 2]]),
    "int, then a fraction": ([1], [2.5]),
    "text, then int": (["x"], [1]),
    "a list, then int": ([[1]], [1]),
}


@pytest.mark.parametrize("name", CHANGES_IN_ONE_LOAD)
@pytest.mark.parametrize("destination", ["duckdb", "sqlite"])
def test_a_column_that_changes_its_type_within_one_load_blocks_nothing(tmp_path, name, destination):
    pa = pytest.importorskip("pyarrow")
    first, second = CHANGES_IN_ONE_LOAD[name]

    @dlt.resource(name="t")
    def frames():
        yield pa.table({"id": [1], "v": first})
        yield pa.table({"id": [2], "v": second})
        yield pa.table({"id": [3], "v": first})

    place = dlt.destinations.duckdb if destination == "duckdb" else dlt.destinations.sqlalchemy
    credentials = str(tmp_path / "out.duckdb") if destination == "duckdb" else f"sqlite:///{tmp_path}/out.db"
    pipeline = dlt.pipeline("p", destination=place(credentials), dataset_name="ds", pipelines_dir=str(tmp_path / "pl"))
    for _ in range(2):
        pipeline.run(frames())
    assert sorted(row[0] for row in pipeline.dataset()("SELECT id FROM t").fetchall()) == [1, 1, 2, 2, 3, 3]
    # Another resource is not kept from loading, either.
    pipeline.run([{"a": 1}], table_name="other")


def test_a_frame_and_records_of_one_table_and_one_load(pipeline):
    pa = pytest.importorskip("pyarrow")

    @dlt.resource(name="t")
    def mixed():
        yield pa.table({"id": [1]})
        yield {"id": 2, "l": [1]}

    pipeline.run(mixed())
    assert rows(pipeline, "SELECT id FROM t ORDER BY id") == [(1,), (2,)]
    assert rows(pipeline, "SELECT count(*) FROM t JOIN t__l ON t._dlt_id = t__l._dlt_parent_id") == [(1,)]


def test_a_frame_that_changes_a_type_is_told(pipeline):
    pa = pytest.importorskip("pyarrow")
    assert not pipeline.run(pa.table({"v": [1]}), table_name="t").warnings
    warnings = pipeline.run(pa.table({"v": [2.75]}), table_name="t").warnings
    assert any("`v` is double now, but holds bigint already" in warning for warning in warnings), warnings


def test_a_frame_without_any_type_keeps_its_rows(pipeline):
    pa = pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    for frame in (pd.DataFrame({"a": [None, None]}), pa.table({"a": pa.nulls(2)}), pa.table({"a": pa.nulls(0)})):
        pipeline.run(frame, table_name="t")
    assert rows(pipeline, "SELECT count(*) FROM t") == [(4,)]
    pipeline.run(pa.table({"n": [1]}), table_name="u")
    pipeline.run(pa.table({"n": pa.nulls(1)}), table_name="u")
    assert rows(pipeline, "SELECT n FROM u ORDER BY n") == [(1,), (None,)]


def test_a_column_of_a_frame_that_has_the_name_of_a_variant(pipeline):
    pa = pytest.importorskip("pyarrow")
    pipeline.run(pa.table({"a": [1]}), table_name="t")
    pipeline.run(pa.table({"a": ["x"], "a__v_text": ["mine"]}), table_name="t")
    assert rows(pipeline, "SELECT a__v_text FROM t WHERE a IS NULL") == [("mine",)]


def test_a_timestamp_cursor_beyond_the_year_9999_goes_on(pipeline):
    pa = pytest.importorskip("pyarrow")

    @dlt.resource(name="t")
    def frames(c=dlt.sources.incremental("c")):
        yield pa.table({"c": pa.array(values, pa.timestamp("s"))})

    values = [253402300800]
    pipeline.run(frames())
    values = [253402300800, 253402300801]
    pipeline.run(frames())
    assert rows(pipeline, "SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("later", ["a null", "no column", "another type", "a column of nulls"])
def test_a_column_that_refused_nulls_is_empty_later(pipeline, later):
    pa = pytest.importorskip("pyarrow")
    required = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("n", pa.int64(), nullable=False)])
    second = {
        "a null": pa.table({"id": pa.array([2]), "n": pa.array([None], pa.int64())}),
        "no column": pa.table({"id": pa.array([2])}),
        "another type": pa.table({"id": pa.array([2]), "n": pa.array(["x"])}),
        "a column of nulls": pa.table({"id": pa.array([2]), "n": pa.nulls(1)}),
    }[later]
    pipeline.run(pa.table({"id": [1], "n": [1]}, schema=required), table_name="t")
    assert pipeline.default_schema.tables["t"]["columns"]["n"]["nullable"] is False
    pipeline.run(second, table_name="t")
    pipeline.run(pa.table({"id": [3], "n": [3]}, schema=required), table_name="t")
    assert rows(pipeline, "SELECT id, n FROM t ORDER BY id") == [(1, 1), (2, None), (3, 3)]
    if later == "another type":
        assert rows(pipeline, "SELECT n__v_text FROM t WHERE id = 2") == [("x",)]


@pytest.mark.parametrize("mode", ["freeze", "discard_value", "discard_row"])
def test_a_contract_keeps_a_column_from_taking_nulls(pipeline, mode):
    pa = pytest.importorskip("pyarrow")
    required = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("n", pa.int64(), nullable=False)])
    pipeline.run(pa.table({"id": [1], "n": [1]}, schema=required), table_name="t")
    with pytest.raises(Exception, match="`n`|may not be null"):
        pipeline.run(pa.table({"id": pa.array([2])}), table_name="t", schema_contract={"data_type": mode})
    # Nothing was sealed that stands in the way.
    pipeline.run(pa.table({"id": [3], "n": [3]}, schema=required), table_name="t")
    assert rows(pipeline, "SELECT id, n FROM t ORDER BY id") == [(1, 1), (3, 3)]


def test_a_record_batch_reader_and_a_pandas_frame(pipeline):
    pa = pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    table = pa.table({"u": pa.array([200], pa.uint8())})
    pipeline.run(table.to_reader(), table_name="t")
    pipeline.run(pd.DataFrame({"u": pd.Series([201], dtype="uint8")}), table_name="t")
    assert rows(pipeline, "SELECT u FROM t ORDER BY u") == [(200,), (201,)]


@pytest.mark.parametrize("backend", ["sqlalchemy", "pyarrow"])
@pytest.mark.parametrize(
    ("before", "after", "variant"),
    [
        (("int", 1), ("real", 2.7), "n__v_double"),
        (("int", 1), ("decimal(10,2)", 2.75), "n__v_decimal"),
        (("date", "2024-01-01"), ("timestamp", "2024-01-02 13:14:15"), "n__v_timestamp"),
        (("boolean", 1), ("int", 7), "n__v_bigint"),
        (("int", 1), ("text", "x"), "n__v_text"),
        (("int", 1), ("timestamp", "2024-01-01 00:00:00"), "n__v_timestamp"),
    ],
)
def test_a_column_of_a_table_changes_its_type(pipeline, tmp_path, backend, before, after, variant):
    path = tmp_path / "s.db"

    def load(kind, value):
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE IF EXISTS t")
            connection.execute(f"CREATE TABLE t (id int, n {kind})")
            connection.execute("INSERT INTO t VALUES (1, ?)", [value])
        table = sql_table(f"sqlite:///{path}", "t", backend=backend, reflection_level="full")
        pipeline.run(table, write_disposition="append")

    load(*before)
    load(*after)
    assert rows(pipeline, f"SELECT count(n), count({variant}) FROM t") == [(1, 1)]


def test_a_table_format_that_is_not_there_is_refused_by_name(pipeline):
    with pytest.raises(Exception, match="has no table format `delta`"):
        pipeline.run([{"id": 1}], table_name="t", table_format="delta")


@pytest.mark.parametrize("loader_file_format", ["jsonl", "csv", "parquet"])
def test_dates_beyond_9999_leave_a_folder_readable(tmp_path, loader_file_format):
    pa = pytest.importorskip("pyarrow")
    place = dlt.destinations.filesystem(str(tmp_path / "out"))
    pipeline = dlt.pipeline("p", destination=place, dataset_name="ds", pipelines_dir=str(tmp_path / "pl"))
    days = pa.array([2932897, 0, None, -735000], pa.int32()).cast(pa.date32())
    pipeline.run(pa.table({"v": days}), table_name="t", loader_file_format=loader_file_format)
    found = pipeline.dataset()("SELECT v::VARCHAR FROM t ORDER BY v").fetchall()
    assert [row[0] for row in found] == ["0044-08-22 (BC)", "1970-01-01", "10000-01-01", None]


def test_moments_of_numpy_that_python_cannot_hold_are_texts(pipeline):
    numpy = pytest.importorskip("numpy")
    far = [numpy.datetime64("20000-01-01"), numpy.datetime64(2**62, "s")]
    moments = [numpy.datetime64("2024-01-02T03:04:05.123456789"), numpy.datetime64("NaT"), *far]
    pipeline.run([{"t": value} for value in moments], table_name="t")
    found = rows(pipeline, "SELECT epoch_us(t), t__v_text FROM t ORDER BY 1, 2")
    micros = 1704164645123456
    assert sorted(found, key=str) == sorted([(micros, None), (None, None), *((None, f"+{value}") for value in far)], key=str)


def test_a_time_with_an_offset_is_one_time_however_it_is_given(pipeline):
    zone = datetime.timezone(datetime.timedelta(hours=5))
    given = [{"t": datetime.time(1, 2, tzinfo=zone)}, {"t": "01:02:00+05:00"}]
    pipeline.run(given, table_name="t", columns={"t": {"data_type": "time"}})
    assert rows(pipeline, "SELECT DISTINCT t FROM t") == [(datetime.time(20, 2),)]
