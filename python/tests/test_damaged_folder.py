"""Working folders in which a file is damaged: told with the file and what to do."""

import os

import pytest

import windlass as dlt
from windlass.pipeline.exceptions import CannotRestorePipelineException


def make(tmp_path, **options):
    options.setdefault("destination", dlt.destinations.duckdb(str(tmp_path / "p.duckdb")))
    return dlt.pipeline("p", pipelines_dir=str(tmp_path / "pl"), dataset_name="ds", **options)


@pytest.fixture
def folder(tmp_path):
    """The folder of a pipeline of which one package is loaded and another waits."""
    pipeline = make(tmp_path)
    pipeline.run([{"a": 1}], table_name="t")
    pipeline.extract([{"a": 2}], table_name="t")
    return tmp_path / "pl" / "p"


def damage(path, how):
    if how == "cut":
        os.truncate(path, 5)
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"bytes": b"\xff\xfe\x00{", "empty": b"", "list": b"[1]"}[how])


@pytest.mark.parametrize("how", ["cut", "bytes", "empty", "list", "folder"])
def test_a_damaged_state_is_named_with_a_remedy_that_works(tmp_path, folder, how):
    path = folder / "state.json"
    damage(path, how)
    pipeline = make(tmp_path)
    for use in (
        lambda: pipeline.run([{"a": 3}], table_name="t"),
        lambda: dlt.attach("p", pipelines_dir=str(tmp_path / "pl")),
        lambda: make(tmp_path, destination=None).destination,
    ):
        with pytest.raises(Exception, match=rf"{path}(.|\n)*(remove|delete) it"):
            use()
    pipeline.drop_pending_packages()
    assert not pipeline.has_pending_data
    path.rmdir() if how == "folder" else path.unlink()
    pipeline = make(tmp_path)
    pipeline.run([{"a": 3}], table_name="t")
    assert sorted(pipeline.dataset()["t"].df()["a"].tolist()) == [1, 3]


@pytest.mark.parametrize("name", ["lock", "trace.json"])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path, folder, name):
    damage(folder / name, "folder")
    pipeline = make(tmp_path)
    for use in (lambda: pipeline.run([{"a": 3}], table_name="t"), pipeline.drop_pending_packages):
        with pytest.raises(Exception, match=rf"{folder / name}: remove it"):
            use()
    (folder / name).rmdir()
    pipeline.drop_pending_packages()
    assert not pipeline.has_pending_data


@pytest.mark.parametrize("how", ["cut", "bytes", "empty", "list"])
def test_a_damaged_trace_is_in_nobodys_way(tmp_path, folder, how):
    damage(folder / "trace.json", how)
    pipeline = make(tmp_path)
    assert pipeline.last_trace is None
    pipeline.run([{"a": 3}], table_name="t")


def test_the_error_of_a_damaged_state_is_one_of_the_reference(tmp_path, folder):
    damage(folder / "state.json", "cut")
    with pytest.raises(CannotRestorePipelineException):
        dlt.attach("p", pipelines_dir=str(tmp_path / "pl"))
