"""Settings that mean nothing: a warning names them once, with what was probably meant."""

import pathlib

import pytest

import windlass as dlt
from windlass.common import masking
from windlass.common.configuration import unused


@pytest.fixture
def told(caplog):
    unused._told.clear()
    unused._checked.clear()
    masking.logger()
    return caplog


def settings(text, name="config.toml"):
    folder = pathlib.Path(".windlass")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[runtime]\nlog_levle = "INFO"', "`runtime.log_levle` means nothing; did you mean `log_level`?"),
        ("[runtime]\nrequest_timout = 5", "`runtime.request_timout` means nothing; did you mean `request_timeout`?"),
        ("[normalise]\nx = 1", "`normalise` means nothing; did you mean `normalize`?"),
        ('[schema]\nnamng = "direct"', "`schema.namng` means nothing; did you mean `naming`? there are naming,"),
        ("[extract]\nwobble = 2", "`extract.wobble` means nothing; there are "),
        (
            "[normalize.data_writer]\nfile_max_item = 2",
            "`normalize.data_writer.file_max_item` means nothing; did you mean `file_max_items`?",
        ),
        ("[destination.postgrs]\nx = 1", "`destination.postgrs` means nothing; did you mean `postgres`?"),
        ("[destination.postgres]\ncreate_index = true", "`destination.postgres.create_index` means nothing; did you mean"),
        ('[destination.postgres.credentials]\nhots = "h"', "`destination.postgres.credentials.hots` means nothing"),
        ("[sources.sql_databse]\nx = 1", "`sources.sql_databse` means nothing; did you mean `sql_database`?"),
        ("[p.load]\nlease_secons = 2", "`p.load.lease_secons` means nothing; did you mean `lease_seconds`?"),
        ('max_memry = "1GB"', "`max_memry` means nothing; did you mean `max_memory`?"),
    ],
)
def test_a_key_that_means_nothing_is_told_once(text, expected, pipeline, told):
    settings(text)
    for _ in range(2):
        pipeline.run([{"a": 1}], table_name="t")
    assert told.text.count(f"config.toml: the key {expected}") == 1, told.text


@pytest.mark.parametrize(
    "text",
    [
        '[runtime]\nlog_level = "WARNING"\nown = 1',
        "[other_pipeline.destination.postgres]\nx = 1",
        '[sources.my_api]\ntoken = "hushhush"',
        "[sources.sql_database.orders]\nchunk_size = 5",
        '[destination.warehouse]\ndestination_type = "postgres"',
        '[destination.postgres]\ncredentials = "x"',
        'api_key = "hushhush"\nbucket_url = "y"',
        "[load]\nworkers = 5",
        '[pipelines.shop]\nmax_memory = "1GB"',
    ],
)
def test_what_others_may_look_for_is_left_alone(text, pipeline, told):
    settings(text, "secrets.toml")
    pipeline.run([{"a": 1}], table_name="t")
    assert "means nothing" not in told.text


def test_a_variable_and_a_value_that_mean_nothing_are_told(pipeline, told, monkeypatch):
    monkeypatch.setenv("LOAD__WORKERS", "abc")
    monkeypatch.setenv("RUNTIME__REQUEST_TIMOUT", "5")
    monkeypatch.setenv("EXTRACT__ANYTHING", "5")
    pipeline.run([{"a": 1}], table_name="t")
    assert "`load.workers` cannot be coerced" in told.text and "`abc`" in told.text
    assert "`RUNTIME__REQUEST_TIMOUT` means nothing; did you mean `RUNTIME__REQUEST_TIMEOUT`?" in told.text
    assert "ANYTHING" not in told.text


def test_the_nesting_of_sources_is_a_setting(pipeline, monkeypatch):
    @dlt.source
    def nested():
        return dlt.resource([{"a": [{"b": 1}]}], name="t")

    monkeypatch.setenv("SOURCES__MAX_TABLE_NESTING", "x")
    with pytest.raises(Exception, match="`max_table_nesting` cannot be coerced .*`x`"):
        pipeline.run(nested())
    monkeypatch.setenv("SOURCES__MAX_TABLE_NESTING", "0")
    pipeline.run(nested())
    assert [name for name in pipeline.default_schema.tables if not name.startswith("_")] == ["t"]
