"""Errors of the engine become exceptions by their code: no word of a message decides."""

import json

import pytest

import windlass as dlt
from windlass._errors import EXCEPTIONS, Asked, exception_of
from windlass._native import native
from windlass.common import masking
from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.destination.exceptions import DestinationTerminalException, DestinationTransientException
from windlass.common.exceptions import PipelineException
from windlass.common.schema.exceptions import DataValidationError, SchemaCorruptedException

#: The codes that become the plain class of their kind: a new code is put here or into the table.
PLAIN = set(
    """
    invalid_configuration unknown_key missing_key invalid_value unknown_choice invalid_document file_missing file_exists
    invalid_name name_too_long duplicate_name invalid_path invalid_pattern invalid_address invalid_expression
    parent_table_missing table_parent_changed invalid_contract unknown_hint merge_untraceable invalid_cursor_options
    unknown_table unknown_column pipeline_never_ran unknown_package confirmation_needed resource_cycle invalid_template
    tls_unusable recording_unusable source_failed budget_spent source_unreadable source_unreachable http_status token_refused
    not_recorded partitions_failed invalid_data not_json not_text damaged_source_file record_too_long step_failed
    key_column_missing primary_key_null names_collide damaged_state damaged_package damaged_folder damaged_dataset
    destination_failed file_failed undefined_relation alert_failed conflict lease_held lease_lost folder_in_use package_pending
    dataset_changed unsupported feature_missing merge_strategy_unsupported table_format_unsupported data_type_unsupported
    protocol_unsupported version_unsupported cancelled internal
    """.split()
)

KINDS = {
    "config": ConfigurationValueError,
    "data": ValueError,
    "unsupported": NotImplementedError,
    "source": DestinationTerminalException,
    "destination": DestinationTerminalException,
    "conflict": DestinationTransientException,
    "cancelled": RuntimeError,
    "internal": RuntimeError,
}


def made(code, kind, text="null key merge strategy type column disposition", **detail):
    """An error of the engine whose words say everything, and so nothing."""
    error = native().EngineError(text)
    error.code, error.kind, error.detail, error.at = code, kind, detail, {}
    error.message, error.hint, error.is_retryable = text, None, False
    return error


def test_every_code_is_in_the_table_or_is_plain():
    codes = dict(native().error_codes())
    assert not set(EXCEPTIONS) & PLAIN
    assert set(codes) == set(EXCEPTIONS) | PLAIN


def test_every_code_makes_an_exception_with_the_text():
    for code, kind in native().error_codes():
        exception = exception_of(made(code, kind))
        assert "null key merge" in str(exception), code
        if code in PLAIN:
            assert type(exception) is KINDS[kind], code


def test_an_unknown_code_is_a_plain_pipeline_exception():
    exception = exception_of(made("of_another_version", "config", "what happened"))
    assert type(exception) is PipelineException and "what happened" in str(exception)


def failed(pipeline, *args, **options):
    with pytest.raises(Exception) as raised:
        pipeline.run(*args, **options)
    return raised.value


def root_of(error):
    while error is not None and not isinstance(error, native().EngineError):
        error = error.__cause__
    return error


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__


def test_a_frozen_column_is_told_by_its_entity_whatever_its_name(pipeline):
    pipeline.run([{"id": 1}], table_name="t")
    error = failed(pipeline, [{"id": 2, "event_type": "a"}], table_name="t", schema_contract={"columns": "freeze"})
    told = next(cause for cause in causes(error) if isinstance(cause, DataValidationError))
    assert (told.schema_entity, told.contract_mode, told.table_name, told.column_name) == (
        "columns", "freeze", "t", "event_type",
    )
    engine = root_of(error)
    assert engine.code == "contract_frozen"
    assert engine.detail == {
        "entity": "columns", "mode": "freeze", "table": "t", "column": "event_type", "data_type": "text",
    }


def test_an_unknown_key_of_the_settings_is_no_corrupt_schema(tmp_path):
    description = {
        "name": "p", "pipelines_dir": str(tmp_path), "dataset": None, "folder": str(tmp_path), "settings": {},
        "destination": {"kind": "duckdb", "options": {"merge_kye": 1}},
    }
    with pytest.raises(native().EngineError) as raised:
        native().Engine(json.dumps(description), None, None)
    assert (raised.value.code, raised.value.detail["key"]) == ("unknown_key", "merge_kye")
    exception = exception_of(raised.value)
    assert type(exception) is ConfigurationValueError and not isinstance(exception, SchemaCorruptedException)


def test_what_python_knows_of_the_cursor_stands_in_its_exceptions():
    asked = Asked("pipe", "at", ["id"], {"id": 1})
    missing = exception_of(made("cursor_missing", "data", cursor_path="other"), asked)
    assert (missing.pipe_name, missing.json_path, missing.item) == ("pipe", "at", {"id": 1})
    of_engine = exception_of(made("cursor_null", "data", cursor_path="at"))
    assert (of_engine.json_path, of_engine.item) == ("at", None)


def test_the_detail_of_errors_has_no_secrets(pipeline):
    pipeline.run([{"id": 1}], table_name="t")
    masking.learn("c_secret_name_of_a_column")
    row = {"id": 2, "c_secret_name_of_a_column": 1}
    engine = root_of(failed(pipeline, [row], table_name="t", schema_contract={"columns": "freeze"}))
    assert engine.code == "contract_frozen"
    assert "c_secret_name_of_a_column" not in repr((engine.detail, engine.at, engine.message, str(engine)))
