"""Secrets stand in no message, log, trace or file, whatever fails and whoever repeats them."""

import base64
import json
import logging
import pathlib
import traceback

import pytest
from rest_server import ScriptedServer

import windlass as dlt
from windlass.common import masking
from windlass.common.configuration.specs.connection_string_credentials import ConnectionStringCredentials
from windlass.sources.helpers import requests
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from windlass.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, OffsetPaginator
from windlass.sources.rest_api import rest_api_source

CANARY = "cana/ry+Xy7&q-zz9"
FORMS = (
    CANARY,
    "cana%2Fry%2BXy7%26q-zz9",
    "cana/ry%2BXy7%26q-zz9",
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"user:{CANARY}".encode()).decode(),
)


def clean(*texts):
    """Holds texts against the secret."""
    for text in texts:
        assert not [form for form in FORMS if form in text], text


@pytest.fixture
def log(caplog):
    masking.logger()
    caplog.set_level(logging.DEBUG, logger="windlass")
    return caplog


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    import windlass.sources.helpers.requests.session as session

    monkeypatch.setattr(session.time, "sleep", lambda _: None)


def auths(url):
    return {
        "bearer": BearerTokenAuth(CANARY),
        "basic": HttpBasicAuth("user", CANARY),
        "header": APIKeyAuth("X-Key", CANARY),
        "query": APIKeyAuth("wid", CANARY, "query"),
        "cookie": APIKeyAuth("c", CANARY, "cookie"),
        "oauth": OAuth2ClientCredentials(access_token_url=f"{url}/token", client_id="c", client_secret=CANARY),
    }


KINDS = ["bearer", "basic", "header", "query", "cookie", "oauth"]
ECHO = json.dumps({"sent": FORMS, "access_token": "other-token-of-9"})


def exchange(path, body, status=200, method="GET", headers=None):
    return {
        "request": {"method": method, "path": path, "raw_query": ""},
        "response": {"status": status, "headers": headers or {"Content-Type": "application/json"}, "body": body},
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", ["status", "server", "html", "token", "refused", "shown"])
def test_a_secret_stands_nowhere(kind, failure, tmp_path, log, capfd, monkeypatch):
    if failure == "shown":
        monkeypatch.setenv("RUNTIME__HTTP_SHOW_ERROR_BODY", "true")
    with ScriptedServer() as server:
        status = {"status": 404, "server": 500, "shown": 403}.get(failure, 200)
        body = "<html>" + ECHO if failure == "html" else ECHO
        token = exchange("/token", ECHO, 400 if failure == "token" else 200, "POST")
        server.script([token, *(exchange("/things", body, status) for _ in range(6))])
        url = "http://127.0.0.1:1" if failure == "refused" else server.url
        source = rest_api_source(
            {
                "client": {"base_url": url, "auth": auths(url)[kind], "paginator": "json_link"},
                "resources": [{"name": "things", "endpoint": {"path": "things", "params": {"sig": CANARY}, "data_selector": "x[?"}}]
                if failure == "token"
                else [{"name": "things", "endpoint": {"path": "things", "params": {"sig": CANARY}}}],
            }
        )
        pipeline = dlt.pipeline("canary", destination="duckdb", pipelines_dir=str(tmp_path / "work"), dataset_name="d")
        try:
            pipeline.run(source)
        except Exception as error:
            chain, one = [], error
            while one is not None:
                chain += [str(one), repr(one)]
                one = one.__cause__
            clean(*chain, "".join(traceback.format_exception(error)))
    clean(log.text, *capfd.readouterr(), str(pipeline.last_trace), json.dumps(pipeline.last_trace.asdict(), default=str))
    if failure not in ("html", "token", "status", "server", "shown", "refused"):
        return
    for path in pathlib.Path(tmp_path).rglob("*"):
        if path.is_file():
            clean(path.read_bytes().decode("utf-8", "replace"))


@pytest.mark.parametrize("kind", KINDS[:5])
def test_errors_of_the_library_name_no_secret(kind):
    for call in (
        lambda auth: requests.get("http://127.0.0.1:1/a", params={"wid": CANARY, "page": 2}, auth=auth),
        lambda auth: RESTClient("http://127.0.0.1:1", auth=auth).get("a", params={"wid": CANARY}),
    ):
        with pytest.raises(requests.ConnectionError) as caught:
            call(auths("http://x")[kind])
        clean(str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value)))


def test_statuses_name_no_secret():
    # Tracebacks show the lines of this file.
    hidden = "-".join(["something", "of", "mine"])
    with ScriptedServer() as server:
        server.script([exchange("/a", ECHO, 404) for _ in range(9)])
        with pytest.raises(requests.HTTPError, match="404 Client Error") as caught:
            requests.get(f"{server.url}/a", params={"appid": hidden, "page": 2})
        text = "".join(traceback.format_exception(caught.value))
        assert hidden not in text and "page=2" in str(caught.value)
        assert caught.value.response.status_code == 404


@pytest.mark.parametrize(
    "paginator",
    [
        OffsetPaginator(2, total_path="total"),
        OffsetPaginator(2, total_path="sent"),
        JSONResponseCursorPaginator("sent[0]", has_more_path="more"),
        JSONResponseCursorPaginator("sent[0]", has_more_path="access_token"),
    ],
)
def test_bodies_are_not_quoted(paginator):
    with ScriptedServer() as server:
        server.script([exchange("/a", json.dumps({"sent": ["canary-of-9"], "access_token": "canary-of-9"}))])
        client = RESTClient(server.url, paginator=paginator, data_selector="sent")
        with pytest.raises(ValueError) as caught:
            list(client.paginate("a"))
        assert "canary-of-9" not in str(caught.value)


def test_logs_and_settings_are_masked(monkeypatch, log):
    monkeypatch.setenv("SOURCES__MY__API_TOKEN", "token-of-mine-7")
    assert dlt.secrets["sources.my.api_token"] == "token-of-mine-7"
    masking.logger().warning("it is %s", "token-of-mine-7")
    assert "token-of-mine-7" not in log.text and "it is ***" in log.text
    credentials = ConnectionStringCredentials("postgresql://user:pass%40of-mine@h/db")
    assert "of-mine" not in masking.masked(f"{credentials!r} {credentials} pass@of-mine pass%40of-mine")
    assert masking.masked("nothing to hide") == "nothing to hide"
