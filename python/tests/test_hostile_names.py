"""Names that are paths, packages that are damaged, and files that are for their owner alone, from Python."""

import json
import os
import pathlib
import stat

import pytest

import windlass as dlt
from windlass.pipeline.exceptions import InvalidPipelineName, PipelineStepFailed


@pytest.fixture
def victim(tmp_path):
    """A folder that nobody may touch; checked at the end."""
    folder = tmp_path / "victim"
    (folder / "sub").mkdir(parents=True)
    for name in ("precious", "sub/precious"):
        (folder / name).write_text("precious")
    yield folder
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == ["precious", "sub", "sub/precious"]


def folder_pipeline(tmp_path, **options):
    target = dlt.destinations.filesystem(str(tmp_path / "out" / "put"), **options)
    return dlt.pipeline("p", pipelines_dir=str(tmp_path / "pl"), destination=target, dataset_name="d")


HARMFUL = ["../../../victim", "..", "/tmp/victim", "a/../../../../victim", "a\\b", "c:x", "a\0b"]


@pytest.mark.parametrize("naming", ["direct", "duck_case"])
@pytest.mark.parametrize("name", HARMFUL)
def test_keys_and_tables_that_are_paths_are_refused(tmp_path, victim, monkeypatch, naming, name):
    monkeypatch.setenv("SCHEMA__NAMING", naming)
    for data, options in [
        ([{"id": 1, f"x/{name}": [1]}], {"table_name": "t"}),
        ([{"id": 1}], {"table_name": name}),
        (dlt.resource([{"id": 1, "to": name}], name="r", table_name=lambda item: item["to"]), {}),
        ([dlt.mark.with_table_name({"id": 1}, name)], {"table_name": "t"}),
    ]:
        pipeline = folder_pipeline(tmp_path)
        for _ in range(2):
            with pytest.raises(PipelineStepFailed, match="cannot be the name of a table"):
                pipeline.run(data, write_disposition="replace", **options)
        assert not list((tmp_path / "out").rglob("*.jsonl*")) if (tmp_path / "out").exists() else True
        pipeline.drop()


@pytest.mark.parametrize("value", ["../../..", "..", "t/../../../../victim", ".", "a/../../..", "a\\b", "a\0b", "x" * 300])
def test_a_function_of_a_layout_cannot_lead_out_of_the_bucket(tmp_path, victim, value):
    answers = {"value": value}
    pipeline = folder_pipeline(
        tmp_path, layout="{table_name}/{part}/{file_id}.{ext}", extra_placeholders={"part": lambda *_: answers["value"]}
    )
    with pytest.raises(PipelineStepFailed, match="path that"):
        pipeline.run([{"a": 1}], table_name="t", write_disposition="replace")
    assert not list((tmp_path / "out").rglob("*.jsonl.gz"))
    # Nothing is lost: once the function is right, what waits is loaded.
    answers["value"] = "right/place"
    pipeline.run([{"a": 1}], table_name="t", write_disposition="replace")
    assert len(list((tmp_path / "out" / "put" / "d" / "t" / "right" / "place").iterdir())) == 1


def test_fixed_placeholders_and_datasets_cannot_lead_out_of_the_bucket(tmp_path, victim):
    for options in (
        {"layout": "{table_name}/{up}/{file_id}", "extra_placeholders": {"up": "../../../victim"}},
        {"layout": "../../victim/{table_name}/{file_id}"},
        {"layout": "/tmp/{table_name}/{file_id}"},
    ):
        with pytest.raises(Exception, match="layout"):
            folder_pipeline(tmp_path, **options).run([{"a": 1}], table_name="t")
    target = dlt.destinations.filesystem(str(tmp_path / "out" / "put"), enable_dataset_name_normalization=False)
    pipeline = dlt.pipeline("q", pipelines_dir=str(tmp_path / "pl"), destination=target, dataset_name="../../victim")
    with pytest.raises(Exception, match="cannot be the name of a dataset"):
        pipeline.run([{"a": 1}], table_name="t", write_disposition="replace")


@pytest.mark.parametrize("name", ["../victim", "..", "/tmp/x", ".hidden", "a\\b"])
def test_names_of_pipelines_that_are_paths_are_refused_before_anything_is_removed(tmp_path, victim, name):
    for make in (dlt.pipeline, dlt.attach):
        with pytest.raises(InvalidPipelineName):
            make(name, pipelines_dir=str(tmp_path / "pl"))
    with pytest.raises(InvalidPipelineName):
        dlt.pipeline(name, pipelines_dir=str(tmp_path / "pl"), dev_mode=True)


def test_the_client_of_a_folder_deletes_nothing_outside_of_it(tmp_path, victim):
    pipeline = folder_pipeline(tmp_path)
    pipeline.run([{"a": 1}], table_name="t")
    table = tmp_path / "out" / "put" / "d" / "t"
    with pipeline.destination_client() as client:
        for name in ("../../../victim", "..", "t/../../../../victim"):
            with pytest.raises(ValueError):
                client.truncate_tables([name])
        kept = list(table.iterdir())
        table.rename(table.with_name("moved"))
        table.symlink_to(victim, target_is_directory=True)
        with pytest.raises(OSError, match="symbolic link"):
            client.truncate_tables(["t"])
        table.unlink()
        table.with_name("moved").rename(table)
        client.truncate_tables(["t"])
    assert kept and not list(table.iterdir())


@pytest.mark.parametrize("part", ["manifest.json", "schema.json", "state.json", "delta.json"])
def test_a_damaged_package_is_listed_and_given_up(tmp_path, part):
    pipeline = folder_pipeline(tmp_path)
    pipeline.run([{"a": 1}], table_name="t")
    pipeline.extract([{"a": 2}], table_name="t")
    pipeline.normalize()
    load_id = pipeline.list_normalized_load_packages()[0]
    (pathlib.Path(pipeline.working_dir) / "packages" / load_id / part).write_text("{")
    assert pipeline.list_normalized_load_packages() == [load_id] and pipeline.has_pending_data
    assert pipeline.get_load_package_info(load_id).load_id == load_id
    assert len(pipeline.list_completed_load_packages()) == 1
    assert pipeline.state and pipeline.schemas
    with pytest.raises(PipelineStepFailed, match="cannot be read"):
        pipeline.run([{"a": 3}], table_name="t")
    pipeline.drop_pending_packages()
    assert not pipeline.has_pending_data
    pipeline.run([{"a": 3}], table_name="t")
    assert sorted(pipeline.dataset().t.select("a").fetchall()) == [(1,), (3,)]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_working_folders_are_for_their_owner_alone(tmp_path, umask):
    @dlt.destination
    def sink(items, table):
        """Takes rows."""

    before = os.umask(umask)
    try:
        pipeline = dlt.pipeline("p", pipelines_dir=str(tmp_path / "pl"), destination=sink)
        pipeline.run([{"a": 1, "kids": [1]}], table_name="t")
        pipeline.extract([{"a": 2}], table_name="t")
    finally:
        os.umask(before)
    for path in [tmp_path / "pl", *(tmp_path / "pl").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} {mode:o}"
    assert json.loads((pathlib.Path(pipeline.working_dir) / "state.json").read_text())


@pytest.mark.parametrize("name", ["../victim", *HARMFUL, "", None, 5])
def test_a_pipeline_is_not_renamed_to_a_path(tmp_path, victim, name):
    pipeline = folder_pipeline(tmp_path)
    pipeline.run([{"a": 1}], table_name="t")
    with pytest.raises(InvalidPipelineName):
        pipeline.pipeline_name = name
    assert pipeline.pipeline_name == "p"
    pipeline.drop()


def test_a_pipeline_of_another_name_has_its_folder(tmp_path):
    pipeline = folder_pipeline(tmp_path)
    pipeline.run([{"a": 1}], table_name="t")
    pipeline.pipeline_name = "q"
    assert pipeline.first_run
    pipeline.run([{"a": 1}], table_name="t")
    assert sorted(path.name for path in (tmp_path / "pl").iterdir() if path.is_dir()) == ["p", "q"]
