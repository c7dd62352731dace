"""Names of files at a folder in which functions have a part."""

import pathlib
from datetime import date, datetime, timedelta, timezone

import pytest

import windlass as dlt
from windlass.destinations.exceptions import CantExtractTablePrefix, InvalidFilesystemLayout, InvalidPlaceholderCallback
from windlass.pipeline.exceptions import PipelineStepFailed


def folder(tmp_path, layout, **options):
    target = dlt.destinations.filesystem(str(tmp_path / "out"), layout=layout, **options)
    return dlt.pipeline("p", pipelines_dir=str(tmp_path / "pl"), destination=target, dataset_name="d")


def files(tmp_path):
    place = tmp_path / "out" / "d"
    found = [path.relative_to(place).as_posix() for path in place.rglob("*.jsonl.gz")]
    return sorted(found)


def test_a_function_is_called_once_for_each_file_with_its_names(tmp_path):
    calls = []

    def shard(schema_name, table_name, load_id, file_id, ext):
        calls.append((schema_name, table_name, load_id, file_id, ext))
        return f"{table_name[-1]}-{len(calls)}"

    pipeline = folder(tmp_path, "{table_name}/{shard}.{file_id}.{ext}", extra_placeholders={"shard": shard})
    info = pipeline.run([{"a": 1, "kids": [1]}], table_name="t")
    assert sorted((schema, table, load_id, ext) for schema, table, load_id, _, ext in calls) == [
        ("p", "t", info.loads_ids[0], "jsonl.gz"),
        ("p", "t__kids", info.loads_ids[0], "jsonl.gz"),
    ]
    ids = {table: file_id for _, table, _, file_id, _ in calls}
    assert sorted(path.split(".")[1] for path in files(tmp_path)) == sorted(ids.values())
    assert pipeline.dataset().t.select("a").fetchall() == [(1,)]
    assert pipeline.dataset().row_counts().fetchall() == [("t", 1), ("t__kids", 1)]


def test_a_function_that_raises_leaves_nothing_and_the_next_run_goes_on(tmp_path):
    wants = {"fails": True}

    def part(*_):
        if wants["fails"]:
            raise KeyError("mine")
        return "part"

    pipeline = folder(tmp_path, "{table_name}/{part}.{file_id}.{ext}", extra_placeholders={"part": part})
    with pytest.raises(PipelineStepFailed) as raised:
        pipeline.run([{"a": 1}], table_name="t")
    assert raised.value.step == "load" and isinstance(raised.value.__cause__, KeyError)
    assert raised.value.__cause__.__traceback__.tb_next is not None, "the traceback is the user's"
    assert files(tmp_path) == [] and pipeline.has_pending_data
    wants["fails"] = False
    pipeline.run([{"a": 2}], table_name="t")
    assert len(files(tmp_path)) == 2
    assert sorted(pipeline.dataset().t.select("a").fetchall()) == [(1,), (2,)]


def test_wrong_arguments_are_named(tmp_path):
    pipeline = folder(tmp_path, "{table_name}/{part}.{file_id}.{ext}", extra_placeholders={"part": lambda: "x"})
    with pytest.raises(PipelineStepFailed, match="callback_name=part") as raised:
        pipeline.run([{"a": 1}], table_name="t")
    assert isinstance(raised.value.__cause__, InvalidPlaceholderCallback)


@pytest.mark.parametrize(
    ("layout", "kind"),
    [
        ("{file_id}.{ext}", CantExtractTablePrefix),
        ("{x}/{table_name}/{ext}", CantExtractTablePrefix),
        ("{table_name}{x}.{ext}", CantExtractTablePrefix),
        ("{table_name}/{y}", InvalidFilesystemLayout),
    ],
)
def test_layouts_that_cannot_be(layout, kind, tmp_path):
    pipeline = folder(tmp_path, layout, extra_placeholders={"x": lambda *_: "x"})
    with pytest.raises(PipelineStepFailed) as raised:
        pipeline.run([{"a": 1}], table_name="t")
    assert raised.value.step == "sync" and type(raised.value.__cause__) is kind


MOMENT = datetime(2024, 3, 5, 23, 8, 9)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (MOMENT, "05T23"),
        (lambda: MOMENT, "05T23"),
        (MOMENT.replace(tzinfo=timezone.utc), "05T23"),
        # The clock that shows the time tells the date.
        (datetime(2024, 3, 6, 1, tzinfo=timezone(timedelta(hours=9))), "06T01"),
        (date(2024, 3, 5), "05T00"),
        ("2024-03-05T23:08:09Z", "05T23"),
        (lambda: "2024-03-05T23:08:09Z", "05T23"),
    ],
)
def test_times_that_names_show(given, name, tmp_path):
    folder(tmp_path, "{table_name}/{DD}T{HH}.{ext}", current_datetime=given).run([{"a": 1}], table_name="t")
    assert files(tmp_path) == [f"t/{name}.jsonl.gz"]


@pytest.mark.parametrize("wrong", [lambda: 5, 5, lambda: "noon"])
def test_a_time_that_is_none(wrong, tmp_path):
    with pytest.raises(PipelineStepFailed):
        folder(tmp_path, "{table_name}/{DD}.{file_id}.{ext}", current_datetime=wrong).run([{"a": 1}], table_name="t")
    assert files(tmp_path) == []


def test_other_functions_make_another_layout(tmp_path):
    """Two destinations that differ by their functions only."""
    for name in ("one", "two"):
        extra = {"name": lambda *_, name=name: name}
        folder(tmp_path, "{table_name}/{name}.{file_id}.{ext}", extra_placeholders=extra).run([{"a": 1}], table_name="t")
    pipeline = folder(tmp_path, "{table_name}/{name}.{file_id}.{ext}", extra_placeholders={"name": lambda *_: "three"})
    pipeline.run([{"a": 1}], table_name="t", destination=pipeline.destination)
    assert [path.split("/")[1].split(".")[0] for path in files(tmp_path)] == ["one", "three", "two"]


def test_tables_cannot_be_renamed_by_a_function(tmp_path):
    with pytest.raises(PipelineStepFailed, match="cannot be computed"):
        folder(tmp_path, "{table_name}/{ext}", extra_placeholders={"table_name": lambda *_: "x"}).run([{"a": 1}], table_name="t")


def test_the_client_of_the_files(tmp_path):
    pipeline = folder(tmp_path, "{schema_name}/{table_name}.{file_id}.{ext}")
    pipeline.run([{"a": 1, "kids": [1]}], table_name="t")
    with pipeline.destination_client() as client:
        (path,) = client.list_table_files("t")
        assert pathlib.Path(path).is_file() and client.get_table_prefix("t") == f"{client.dataset_path}p/t."
        assert client.read_text(path, compression="gzip").startswith('{"a":1')
        assert client.read_bytes(path)[:2] == b"\x1f\x8b"
        assert len(client.list_table_files("_dlt_loads")) == 1
        assert client.execute_sql("SELECT a FROM t") == [(1,)]
        client.truncate_tables(["t"])
        assert client.list_table_files("t") == [] and len(client.list_table_files("t__kids")) == 1
        assert client.list_table_files("nope") == []
