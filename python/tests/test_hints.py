"""Errors that tell what to do, and logs."""

import logging

import pytest

import windlass as dlt
from windlass.common.configuration.exceptions import ConfigFieldMissingException
from windlass.extract.exceptions import ResourceNameMissing


def test_a_resource_without_a_name_says_so():
    with pytest.raises(ResourceNameMissing, match="`list` has no name.*name="):
        dlt.resource([1, 2])


def test_no_exception_is_empty():
    from windlass.common.exceptions import DltException
    from windlass.extract.exceptions import CurrentSourceNotAvailable

    assert str(CurrentSourceNotAvailable()) == "current source not available"
    assert str(DltException("x")) == "x"


@pytest.mark.parametrize("kind, key", [("postgres", "CREDENTIALS"), ("filesystem", "BUCKET_URL"), ("sqlalchemy", "CREDENTIALS")])
def test_missing_settings_of_a_destination_name_every_place(tmp_path, kind, key):
    made = dlt.pipeline("miss", pipelines_dir=str(tmp_path), destination=kind)
    with pytest.raises(ConfigFieldMissingException) as caught:
        made.run([{"a": 1}], table_name="t")
    text = str(caught.value)
    assert f"`{key.lower()}`" in text
    for place in (f"MISS__DESTINATION__{kind.upper()}__{key}", f"DESTINATION__{kind.upper()}__{key}", f", {key})", "secrets.toml", "config.toml"):
        assert place in text, place
    if kind == "postgres":
        assert "DESTINATION__POSTGRES__CREDENTIALS__HOST" in text


@pytest.mark.parametrize("options", [{"strategy": "upsert"}, {"disposition": "append", "strategy": "scd2"}, {"disposition": "append", "deduplicated": True}])
def test_a_merge_strategy_without_merge_does_not_append_in_silence(tmp_path, options):
    made = dlt.pipeline("w", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(str(tmp_path / "x.duckdb")))
    with pytest.raises(Exception, match="`(strategy|deduplicated)` needs `disposition: merge`"):
        made.run(dlt.resource([{"id": 1}], name="t", primary_key="id", write_disposition=options))
    with pytest.raises(Exception, match="`(strategy|deduplicated)` needs `disposition: merge`"):
        made.run([{"id": 1}], table_name="t", primary_key="id", write_disposition=options)


def test_words_of_a_destination_are_told_with_all_of_them(tmp_path):
    made = dlt.pipeline(
        "w", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(str(tmp_path / "x.duckdb"), replace_strategy="insert-from-stagin")
    )
    with pytest.raises(Exception, match="must be one of insert-from-staging, truncate-and-insert"):
        made.run([{"a": 1}], table_name="t")
    made = dlt.pipeline("w", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb({"databse": "x"}))
    with pytest.raises(Exception, match="unknown key `databse`") as caught:
        made.run([{"a": 1}], table_name="t")
    assert "untagged" not in str(caught.value)


def test_the_engine_logs_through_logging(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "INFO")
    logger = logging.getLogger("windlass")
    before = logger.level
    try:
        made = dlt.pipeline("logs", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(str(tmp_path / "x.duckdb")))
        made.run([{"a": 1}], table_name="t")
        texts = [record.getMessage() for record in caplog.records if record.name == "windlass"]
        assert any(text.startswith("statement") and "COMMIT" in text for text in texts), texts
        assert any(text.startswith("step") for text in texts), texts
        caplog.clear()
        monkeypatch.setenv("RUNTIME__LOG_LEVEL", "WARNING")
        made.run([{"a": 2}], table_name="t")
        assert [record for record in caplog.records if record.name == "windlass" and record.levelno < logging.WARNING] == []
        monkeypatch.setenv("RUNTIME__LOG_LEVEL", "LOUD")
        with pytest.raises(ValueError, match="WARNING"):
            made.run([{"a": 2}], table_name="t")
    finally:
        logger.setLevel(before)
