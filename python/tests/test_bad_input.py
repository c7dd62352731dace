"""Input that cannot be loaded: what is raised, what it says, and that nothing was loaded."""

import datetime as dt
import decimal
import enum
import multiprocessing
import threading
import uuid

import pytest

import windlass as dlt
from windlass.extract.exceptions import InvalidResourceDataTypeIsNone, ResourceExtractionError, SourceExhausted
from windlass.pipeline.exceptions import PipelineStepFailed


def rows(pipeline, table="t", *columns):
    return sorted(pipeline.dataset()[table].select(*columns).fetchall())


def test_a_resource_that_raises_in_the_middle_loads_nothing(pipeline):
    @dlt.resource
    def broken():
        yield [{"a": i} for i in range(10_000)]
        raise LookupError("the remote is gone")

    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(broken())
    assert caught.value.step == "extract"
    assert isinstance(caught.value.exception, ResourceExtractionError)
    cause = caught.value.exception.__cause__
    assert isinstance(cause, LookupError)
    # The traceback is the user's.
    last = cause.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    assert last.tb_frame.f_code.co_name == "broken"
    assert not pipeline.has_pending_data
    assert pipeline.first_run


def test_a_generator_that_was_read_is_not_silently_empty(pipeline):
    def rows():
        yield {"a": 1}
        yield {"a": 2}

    whole, begun = rows(), rows()
    next(begun)
    pipeline.run(whole, table_name="t")
    for generator in (whole, begun):
        with pytest.raises(PipelineStepFailed, match="is exhausted or has active iterator") as caught:
            pipeline.run(generator, table_name="t")
        assert isinstance(caught.value.exception, SourceExhausted)
    pipeline.run(rows(), table_name="t")
    assert len(pipeline.dataset().t.fetchall()) == 4


@pytest.mark.parametrize("way_out", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_a_program_goes_through(pipeline, way_out):
    def rows():
        yield {"a": 1}
        raise way_out

    with pytest.raises(type(way_out)):
        pipeline.run(rows(), table_name="t")
    assert not pipeline.has_pending_data
    pipeline.run([{"a": 2}], table_name="t")
    assert pipeline.dataset().t.select("a").fetchall() == [(2,)]


def test_a_dict_that_changes_while_it_is_read(pipeline):
    row = {"a": 1}

    class Meddling:
        def asdict(self):
            row["more"] = 1
            return {"v": 1}

    row["b"] = Meddling()
    row["c"] = 2
    with pytest.raises(PipelineStepFailed, match="the dict changed while it was read"):
        pipeline.run([row], table_name="t")


def test_an_object_that_cannot_even_be_printed(pipeline):
    class Broken:
        def __str__(self):
            raise ValueError("no text")

        __repr__ = __str__

    with pytest.raises(PipelineStepFailed, match="at `a`.*Broken"):
        pipeline.run([{"a": Broken()}], table_name="t")


def test_after_a_failure_the_next_run_loads(pipeline):
    with pytest.raises(PipelineStepFailed):
        pipeline.run(dlt.resource([{"a": object()}], name="t"))
    pipeline.run([{"a": 1}], table_name="t")
    assert rows(pipeline, "t", "a") == [(1,)]


def test_a_resource_that_returns_none(pipeline):
    @dlt.resource
    def nothing():
        return None

    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(nothing())
    assert isinstance(caught.value.exception, InvalidResourceDataTypeIsNone)


@pytest.mark.parametrize(
    "value, named",
    [
        (object(), "object"),
        ({1, 2}, "set"),
        (1j, "complex"),
        (dt.timedelta(1), "timedelta"),
        (int, "type"),
        (range(3), "range"),
    ],
)
def test_an_unsupported_object_is_named_with_its_path(pipeline, value, named):
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run([{"id": 1}, {"a": {"b": [0, {"c": value}]}}], table_name="t")
    text = str(caught.value.exception)
    assert "a.b[1].c" in text
    assert named in text
    assert "resource `t`" in text


@pytest.mark.parametrize("kind", [list, dict])
def test_a_circular_structure(pipeline, kind):
    circle = kind()
    if kind is list:
        circle.append(circle)
    else:
        circle["me"] = circle
    with pytest.raises(PipelineStepFailed, match="nested in itself"):
        pipeline.run([{"a": circle}], table_name="t")


def test_huge_integers_are_kept(pipeline):
    pipeline.run([{"a": 2**70}, {"a": -(2**65)}, {"a": 2**64 - 1}], table_name="t")
    assert rows(pipeline, "t", "a") == [
        (decimal.Decimal(-(2**65)),),
        (decimal.Decimal(2**64 - 1),),
        (decimal.Decimal(2**70),),
    ]


def test_a_decimal_that_is_no_number_is_null(pipeline):
    pipeline.run([{"id": 1, "a": decimal.Decimal("1.5")}, {"id": 2, "a": decimal.Decimal("NaN")}], table_name="t")
    assert rows(pipeline, "t", "id", "a") == [(1, decimal.Decimal("1.500000000")), (2, None)]


def test_a_float_that_is_no_number_is_null(pipeline):
    pipeline.run([{"id": 1, "a": 1.5}, {"id": 2, "a": float("nan")}, {"id": 3, "a": float("inf")}], table_name="t")
    assert rows(pipeline, "t", "id", "a") == [(1, 1.5), (2, None), (3, None)]


def test_naive_and_aware_times_mixed(pipeline):
    zone = dt.timezone(dt.timedelta(hours=2))
    pipeline.run(
        [{"id": 1, "at": dt.datetime(2024, 1, 1)}, {"id": 2, "at": dt.datetime(2024, 1, 1, 2, tzinfo=zone)}],
        table_name="t",
    )
    midnight = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    assert rows(pipeline, "t", "id", "at") == [(1, midnight), (2, midnight)]


def test_numpy_scalars_and_arrays(pipeline):
    np = pytest.importorskip("numpy")
    row = {"i": np.int64(3), "f": np.float32(1.5), "b": np.bool_(True), "l": np.array([1, 2]), "s": np.str_("x")}
    pipeline.run([row], table_name="t")
    assert rows(pipeline, "t", "i", "f", "b", "s") == [(3, 1.5, True, "x")]
    assert rows(pipeline, "t__l", "value") == [(1,), (2,)]


def test_uuid_enum_and_bytes(pipeline):
    class Colour(enum.Enum):
        RED = "red"

    pipeline.run(
        [{"u": uuid.UUID(int=5), "c": Colour.RED, "b": b"\x00\xff", "a": bytearray(b"x"), "m": memoryview(b"y")}],
        table_name="t",
    )
    assert rows(pipeline, "t", "u", "c", "b", "a", "m") == [
        ("00000000-0000-0000-0000-000000000005", "red", b"\x00\xff", b"x", b"y")
    ]


def test_pandas_times_that_are_none(pipeline):
    pd = pytest.importorskip("pandas")
    pipeline.run([{"id": 1, "at": pd.NaT, "x": pd.NA}, {"id": 2, "at": pd.Timestamp("2024-01-01"), "x": 1}], table_name="t")
    assert rows(pipeline, "t", "id", "x") == [(1, None), (2, 1)]


def test_a_text_that_is_no_text(pipeline):
    with pytest.raises(PipelineStepFailed, match="surrogates"):
        pipeline.run([{"a": "\ud800"}], table_name="t")


def test_a_frame_with_columns_of_one_name(pipeline):
    pa = pytest.importorskip("pyarrow")
    table = pa.table([pa.array([1]), pa.array([2])], names=["user name", "user_name"])
    with pytest.raises(PipelineStepFailed, match="two columns are called `user_name`"):
        pipeline.run(table, table_name="t")


def test_a_frame_whose_columns_have_no_text_as_name(pipeline):
    pd = pytest.importorskip("pandas")
    pipeline.run(pd.DataFrame({0: [1], 1: ["x"]}), table_name="t")
    assert pipeline.dataset().t.fetchall()[0][:2] == (1, "x")


def test_a_frame_without_columns_loads_nothing(pipeline):
    pa = pytest.importorskip("pyarrow")
    pipeline.run([pa.table({}), pa.table({"a": [1]})], table_name="t")
    assert pipeline.dataset().t.fetchall() == [(1,)]


def test_a_frame_with_a_column_without_a_name(pipeline):
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(PipelineStepFailed, match="column 1 of a batch has no name"):
        pipeline.run(pa.table([pa.array([1]), pa.array([2])], names=["a", ""]), table_name="t")
    assert not pipeline.has_pending_data


def test_a_pandas_frame_with_two_columns_of_one_name(pipeline):
    pd = pytest.importorskip("pandas")
    with pytest.raises(PipelineStepFailed, match="Duplicate column names"):
        pipeline.run(pd.DataFrame([[1, 2]], columns=["a", "a"]), table_name="t")


def test_nested_columns_of_a_frame_are_json(pipeline):
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "id": [1, 2],
            "l": [[1, 2], None],
            "s": [{"b": 1, "x": "é\"", "n": None, "f": 1.5}, None],
            "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        }
    )
    pipeline.run(table, table_name="t")
    assert pipeline.dataset().t.fetchall() == [
        (1, "[1,2]", '{"b":1,"x":"é\\"","n":null,"f":1.5}', '{"k":1}'),
        (2, None, None, "{}"),
    ]
    columns = pipeline.default_schema.tables["t"]["columns"]
    assert [columns[name]["data_type"] for name in ("id", "l", "s", "m")] == ["bigint", "json", "json", "json"]
    assert "t__l" not in pipeline.default_schema.tables


def test_the_values_of_a_series_are_rows(pipeline):
    pd = pytest.importorskip("pandas")
    pipeline.run(pd.Series([1, 2], name="s"), table_name="t")
    assert rows(pipeline, "t", "value") == [(1,), (2,)]


def test_times_of_numpy(pipeline):
    np = pytest.importorskip("numpy")
    at = np.datetime64("2024-01-01T00:00:00", "ns")
    pipeline.run([{"id": 1, "at": at, "all": np.array([at])}, {"id": 2, "at": np.datetime64("NaT")}], table_name="t")
    new_year = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    assert rows(pipeline, "t", "id", "at") == [(1, new_year), (2, None)]
    assert rows(pipeline, "t__all", "value") == [(new_year,)]
    with pytest.raises(PipelineStepFailed, match="`span`.*timedelta64"):
        pipeline.run([{"span": np.timedelta64(3, "ns")}], table_name="t")


def test_decimals_out_of_range(pipeline):
    value = decimal.Decimal
    pipeline.run([{"id": 1, "a": value("Infinity"), "b": value("1" * 45)}, {"id": 2, "a": value("1E+5"), "b": value("sNaN")}], table_name="t")
    assert rows(pipeline, "t", "id", "a") == [(1, None), (2, value(100000))]
    assert rows(pipeline, "t", "id", "b__v_text") == [(1, "1" * 45), (2, None)]


def test_enums_of_numbers_and_texts(pipeline):
    class Number(enum.IntEnum):
        THREE = 3

    class Text(str, enum.Enum):
        B = "b"

    pipeline.run([{"n": Number.THREE, "t": Text.B, Text.B: 1}], table_name="t")
    assert rows(pipeline, "t", "n", "t", "b") == [(3, "b", 1)]


def test_keys_that_are_no_text(pipeline):
    pipeline.run([{1: "a", True: "b", None: "c", 1.5: "d"}], table_name="t")
    with pytest.raises(PipelineStepFailed, match="a key is of type `tuple`"):
        pipeline.run([{(1, 2): "a"}], table_name="t")


def test_two_pipelines_of_one_name_at_once(tmp_path):
    started, done, errors = threading.Event(), threading.Event(), []

    def slow():
        yield {"a": 1}
        started.set()
        done.wait(20)

    def make():
        return dlt.pipeline(
            "same",
            pipelines_dir=str(tmp_path / "pl"),
            destination=dlt.destinations.duckdb(str(tmp_path / "same.duckdb")),
            dataset_name="ds",
        )

    first = threading.Thread(target=lambda: make().run(slow(), table_name="t"))
    first.start()
    assert started.wait(20)
    try:
        make().run([{"a": 2}], table_name="t")
    except PipelineStepFailed as cause:
        errors.append(str(cause))
    done.set()
    first.join(60)
    assert len(errors) == 1
    assert "another run uses the working folder" in errors[0]
    assert rows(make(), "t", "a") == [(1,)]


def load_in_child(folder, result):
    import windlass as dlt

    made = dlt.pipeline(
        "child", pipelines_dir=f"{folder}/pl", destination=dlt.destinations.duckdb(f"{folder}/child.duckdb"), dataset_name="ds"
    )
    made.run([{"a": 1}, {"a": 2}], table_name="t")
    result.put(made.dataset().t.select("a").fetchall())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_after_import(pipeline, tmp_path, method):
    pipeline.run([{"a": 0}], table_name="t")
    context = multiprocessing.get_context(method)
    result = context.Queue()
    child = context.Process(target=load_in_child, args=(str(tmp_path), result))
    child.start()
    assert sorted(result.get(timeout=60)) == [(1,), (2,)]
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda p: p.run([], staging="filesystem"), "staging"),
        (lambda p: dlt.pipeline("x", staging="filesystem"), "staging"),
        (lambda p: dlt.destinations.snowflake, "snowflake"),
        (lambda p: dlt.destinations.duckdb("x.db", frobnicate=1), "frobnicate"),
        (lambda p: p.sync_schema(), "sync_schema"),
        (lambda p: dlt.progress.enlighten(), "enlighten"),
        (lambda p: p.sql_client().execute_many([]), "execute_many"),
        (lambda p: dlt.current.load_package_state(), "load packages"),
        (lambda p: dlt.hub, "hub"),
    ],
)
def test_what_is_not_there_is_named(pipeline, call, named):
    with pytest.raises((NotImplementedError, TypeError, ImportError), match=named):
        call(pipeline)


def test_a_last_value_function_that_is_not_there_is_named(pipeline):
    @dlt.resource
    def t(at=dlt.sources.incremental("ts", last_value_func=lambda values: sum(values))):
        yield {"ts": 1}

    with pytest.raises(PipelineStepFailed, match="last_value_func"):
        pipeline.run(t())


@pytest.mark.parametrize("form", ["frame", "index", "arrow", "list"])
def test_a_frame_of_spans_of_time_is_refused_by_name(pipeline, form):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"v": pandas.period_range("2020-01", periods=2, freq="M"), "n": [1, 2]})
    plain = pandas.DataFrame({"n": [1, 2]})
    data = {"frame": frame, "index": frame.set_index("v"), "arrow": pyarrow.Table.from_pandas(frame), "list": [plain, frame]}
    with pytest.raises(PipelineStepFailed, match="the column `v` of a frame is of type `pandas.Period`"):
        pipeline.run(iter([data[form]]), table_name="t")
    pipeline.run(frame.assign(v=frame["v"].astype(str)), table_name="t")
    assert sorted(pipeline.dataset()["t"].df()["v"]) == ["2020-01", "2020-02"]


@pytest.mark.parametrize("kind", ["pandas", "arrow", "no rows"])
def test_a_frame_of_columns_without_values_is_no_bug(pipeline, kind):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    nothing = {
        "pandas": pandas.DataFrame({"a": [None, None]}),
        "arrow": pyarrow.table({"a": pyarrow.nulls(2)}),
        "no rows": pyarrow.table({"a": pyarrow.nulls(0)}),
    }[kind]
    pipeline.run(nothing, table_name="t")
    pipeline.run(iter([nothing, pyarrow.table({"a": [7]})]), table_name="t")
    assert 7 in pipeline.dataset()["t"].df()["a"].tolist()
