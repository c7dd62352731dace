"""What scripts take from `windlass.common`: settings, credentials, paths, messages."""

import http.server
import json
import threading

import pytest

import windlass as dlt
from windlass.common import jsonpath
from windlass.common.configuration import configspec, resolve_configuration, with_config
from windlass.common.configuration.exceptions import ConfigFieldMissingException
from windlass.common.configuration.providers import PROVIDERS, CustomLoaderDocProvider, DictionaryProvider
from windlass.common.configuration.specs import BaseConfiguration, ConnectionStringCredentials, GcpServiceAccountCredentials
from windlass.common.configuration.specs.exceptions import InvalidConnectionString, InvalidGoogleServicesJson
from windlass.common.runtime.slack import send_slack_message
from windlass.common.storages import ParsedLoadJobFileName


@pytest.fixture(autouse=True)
def providers():
    before = list(PROVIDERS.registered)
    yield
    PROVIDERS.registered[:] = before


def test_a_provider_of_a_function_is_asked_last(monkeypatch):
    dlt.config.register_provider(CustomLoaderDocProvider("mine", lambda: {"api": {"key": "k", "url": "u"}}))
    assert dlt.secrets["api.key"] == "k"
    monkeypatch.setenv("API__KEY", "stronger")
    assert (dlt.secrets["api.key"], dlt.config["api.url"]) == ("stronger", "u")


def test_a_dictionary_is_a_provider():
    provider = DictionaryProvider()
    provider.set_value("key", 5, None, "api")
    dlt.config.register_provider(provider)
    assert dlt.config["api.key"] == 5
    assert provider.get_value("key", int, None, "api") == (5, "api.key")


def test_credentials_are_destinations_credentials(tmp_path):
    credentials = ConnectionStringCredentials(f"duckdb:///{tmp_path}/c.duckdb")
    pipeline = dlt.pipeline("c", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(credentials), dataset_name="d")
    pipeline.run([{"a": 1}], table_name="t")
    assert (tmp_path / "c.duckdb").exists()


def test_what_is_wrong_with_credentials_tells_no_secret():
    with pytest.raises(InvalidConnectionString) as raised:
        ConnectionStringCredentials("postgres:user:very-secret@host")
    assert "very-secret" not in str(raised.value)
    with pytest.raises(InvalidGoogleServicesJson) as raised:
        GcpServiceAccountCredentials.from_init_value('{"private_key": "very-secret"')
    assert "very-secret" not in str(raised.value)
    credentials = ConnectionStringCredentials("postgres://user:very-secret@host/db")
    assert "very-secret" not in str(credentials) and "very-secret" not in repr(credentials)


def test_settings_that_are_missing_are_named(monkeypatch):
    @configspec
    class Api(BaseConfiguration):
        url: str
        key: str
        limit: int = 3

    monkeypatch.setenv("URL", "u")
    with pytest.raises(ConfigFieldMissingException, match="`key`"):
        resolve_configuration(Api())
    monkeypatch.setenv("API__KEY", "k")
    assert dict(resolve_configuration(Api(), sections=("api",))) == {"url": "u", "key": "k", "limit": 3}
    assert resolve_configuration(Api(), accept_partial=True).url == "u"


def test_with_config_takes_no_unknown_keyword():
    with pytest.raises(TypeError, match="nonsense"):
        with_config(lambda: None, nonsense=1)
    with pytest.raises(NotImplementedError, match="base"):
        with_config(lambda: None, base=BaseConfiguration)


def test_paths():
    data = {"a": [{"b": 1}, {"b": "x"}]}
    assert jsonpath.find_values("$.a[*].b", data) == [1, "x"]
    assert [jsonpath.extract_simple_field_name(path) for path in ("a", "'a b'", "a.b")] == ["a", "a b", None]
    jsonpath.set_value_at_path(data, "c.d", 5)
    assert data["c"] == {"d": 5}


def test_a_message_to_slack_is_sent():
    received = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        send_slack_message(f"http://127.0.0.1:{server.server_port}/hook", "*loaded*")
        thread.join(10)
    assert received == [{"text": "*loaded*", "mrkdwn": True}]


def test_names_of_files_of_a_load():
    parsed = ParsedLoadJobFileName.parse("completed_jobs/t.ab12.3.jsonl.gz")
    assert parsed == ("t", "ab12", 3, "jsonl", True)
    assert (parsed.job_id(), parsed.file_name()) == ("t.ab12.jsonl.gz", "t.ab12.3.jsonl.gz")
    with pytest.raises(ValueError, match="t.jsonl"):
        ParsedLoadJobFileName.parse("t.jsonl")


def test_infos_outlive_their_folder(pipeline):
    import pickle
    import shutil

    info = pipeline.run([{"a": 1}], table_name="t")
    before = info.asdict()
    shutil.rmtree(pipeline.working_dir)
    assert info.asdict()["load_packages"][0]["jobs"] == before["load_packages"][0]["jobs"]
    assert "1 load package(s) were loaded" in str(info)
    assert pickle.loads(pickle.dumps(info.asdict()["job_metrics"])) == before["job_metrics"]


def test_a_window_is_the_range_of_cursors(pipeline):
    from datetime import datetime, timedelta, timezone

    from windlass.extract.incremental.scheduler import window

    first = datetime(2024, 1, 1, tzinfo=timezone.utc)

    @dlt.resource(name="rows", primary_key="id", write_disposition="merge")
    def rows(at=dlt.sources.incremental("at", initial_value=first)):
        yield [{"id": day, "at": first + timedelta(days=day)} for day in range(5)]

    def load(start, end):
        with window(first + timedelta(days=start), first + timedelta(days=end)):
            pipeline.run(rows())
        return [row[0] for row in sorted(pipeline.dataset().rows.select("id").fetchall())]

    assert load(3, 4) == [3]
    assert load(1, 2) == [1, 3]
    # Outside of a window a cursor is what it was declared to be.
    pipeline.run(rows())
    assert len(pipeline.dataset().rows.fetchall()) == 5


def test_the_trace_of_another_process_is_known(pipeline):
    pipeline.run([{"a": 1}], table_name="t")
    name, folder = pipeline.pipeline_name, pipeline.pipelines_dir
    other = dlt.attach(name, pipelines_dir=folder)
    trace = other.last_trace
    assert [step.step for step in trace.steps] == ["extract", "normalize", "load", "run"]
    assert trace.last_normalize_info.row_counts["t"] == 1
    assert trace.last_load_info.dataset_name == "ds" and "COMPLETED" in str(trace)
    assert dlt.pipeline("never", pipelines_dir=folder).last_trace is None


def test_credentials_of_destinations(tmp_path):
    from windlass.destinations.impl.duckdb.configuration import DuckDbCredentials
    from windlass.destinations.impl.postgres.configuration import PostgresCredentials

    assert [DuckDbCredentials(path).database for path in ("a.db", "duckdb:///a.db", "duckdb:////x/a.db", tmp_path / "a.db")] == [
        "a.db",
        "a.db",
        "/x/a.db",
        str(tmp_path / "a.db"),
    ]
    credentials = DuckDbCredentials(str(tmp_path / "a.db"), local_config={"threads": 1})
    pipeline = dlt.pipeline("c", pipelines_dir=str(tmp_path), destination=dlt.destinations.duckdb(credentials), dataset_name="d")
    pipeline.run([{"a": 1}], table_name="t")
    assert (tmp_path / "a.db").exists()
    url = "postgresql://u:p%40@h:5433/d"
    assert PostgresCredentials(url).to_native_representation() == f"{url}?connect_timeout=15"


def test_what_cannot_be_an_option_of_a_destination_is_refused(tmp_path, monkeypatch):
    import duckdb

    monkeypatch.chdir(tmp_path)
    connection = duckdb.connect(":memory:")
    for value, error, piece in [(connection, NotImplementedError, "the path"), (object(), TypeError, "builtins.object")]:
        pipeline = dlt.pipeline("c", pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.duckdb(value), dataset_name="d")
        with pytest.raises(error, match=piece):
            pipeline.run([{"a": 1}], table_name="t")
    # No file has the name of an object.
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("<")] == []


def test_no_resource_runs_after_one_was_iterated():
    from windlass.common.pipeline import ResourceNameNotAvailable

    @dlt.resource(name="rows")
    def rows():
        yield {"name": dlt.current.resource_name()}

    assert list(rows()) == [{"name": "rows"}]
    with pytest.raises(ResourceNameNotAvailable):
        dlt.current.resource_name()
