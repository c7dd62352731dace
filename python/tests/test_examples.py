"""The examples, offline."""

import importlib.util
import pathlib
import shutil

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def run(name):
    """What `main` of an example gives."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


def test_every_example_is_tested():
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'run("{path.stem}")' not in text] == []


def test_scd2_hogwarts():
    rows = run("scd2_hogwarts")
    assert [(name, designation, valid_to is None) for name, designation, _, valid_to in rows] == [
        ("Draco Malfoy", "student", False),
        ("Draco Malfoy", "expelled", True),
        ("Gregory Goyle", "student", True),
        ("Vincent Crabbe", "student", True),
    ]
    assert rows[0][3] == rows[1][2]


def test_github_events():
    found = run("github_events")
    assert "events.actor__login: text" in found["changes"]
    assert found["second"] == []
    assert found["rejected"] == "normalize"
    assert found["accepted"] == ["events.payload__forkee: text"]
    assert found["ids"] == ["1", "2", "3", "4"]
    assert found["state"] == "2025-03-04T00:00:00Z"


def test_chess_backfill():
    removed, files, february = run("chess_backfill")
    assert removed == {"games_2024_02": 1, "games_2024_03": 1}
    assert files == ["games_2024_01", "games_2024_02", "games_2024_03"]
    assert february == [("g2", "draw")]


def test_filesystem_layouts():
    found = run("filesystem_layouts")
    assert [len(files) for files in found.values()] == [2, 2, 2, 2, 2]
    assert [file.split(".")[0].split("/")[0] for file in found["default"]] == ["events", "events__commits"]
    assert {file.rsplit("/", 1)[0] for file in found["days"]} == {
        f"layout_days/{table}/year=2024/month=03/day=05" for table in ("events", "events__commits")
    }
    assert all(file.split("/")[1].startswith("2024-03-05T070809.") for file in found["clock"])
    assert all(file.split("/")[1:3] in (["core", "shard-0"], ["core", "shard-1"]) for file in found["callbacks"])
    assert [file.split(".")[:2] for file in found["flat"]] == [["events", "q1"], ["events__commits", "q1"]]


def test_freshdesk_incremental():
    asked, rows = run("freshdesk_incremental")
    assert asked == ["2022-01-01T00:00:00Z", "2024-05-02T08:00:00Z"]
    assert rows == [(1, 5), (2, 2)]


def test_sql_backfill():
    pytest.importorskip("pymysql")
    if shutil.which("mariadbd") is None:
        pytest.skip("there is no MariaDB")
    assert run("sql_backfill") == [1000, 1999, 2998, 3997, 4178]
