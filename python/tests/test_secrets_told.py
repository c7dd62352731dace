"""Keys and other secrets in errors, traces and logs: whoever raises, nothing shows them."""

import enum
import html
import json
import logging
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from datetime import datetime
from decimal import Decimal
from typing import Literal

import pytest
import requests as library
from test_rest_astray import CANARY, Wire

import windlass as dlt
from windlass.common import masking
from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.exceptions import ConfigValueCannotBeCoercedException
from windlass.sources.helpers import requests
from windlass.sources.helpers.requests.retry import Client
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.auth import APIKeyAuth

URL = "http://127.0.0.1:18090"


def wired(session, status=403):
    """A session whose requests are answered by an error."""
    session.mount("http://", Wire(lambda request, number: (status, {}, "{}")))
    return session


def rest_client(session, **options):
    return RESTClient(URL, session=wired(session), **options)


class _OwnResponse(library.Response):
    """What another library gives instead."""


class _OwnWire(Wire):
    def send(self, request, **options):
        response = super().send(request, **options)
        response.__class__ = _OwnResponse
        return response


def own_class():
    session = library.Session()
    session.mount("http://", _OwnWire(lambda request, number: (403, {}, "{}")))
    return RESTClient(URL, session=session).get("x", params={"token": CANARY})


KEY = APIKeyAuth("key", CANARY, "query")
ANSWERS = {
    "get": lambda: rest_client(library.Session(), auth=KEY).get("x"),
    "post": lambda: rest_client(library.Session(), auth=KEY).post("x", json={}),
    "request": lambda: rest_client(Client(raise_for_status=False).session, auth=KEY).request("x"),
    "params": lambda: rest_client(library.Session()).get("x", params={"token": CANARY}),
    "client": lambda: wired(Client(raise_for_status=False).session).get(f"{URL}/x", params={"token": CANARY}),
    "session": lambda: wired(requests.Session(raise_for_status=False)).get(f"{URL}/x?token={CANARY}"),
    "own class": own_class,
}


@pytest.mark.parametrize("how", list(ANSWERS))
def test_an_answer_that_raises_shows_no_key(how):
    with pytest.raises(library.exceptions.HTTPError, match="403 Client Error") as raised:
        ANSWERS[how]().raise_for_status()
    assert CANARY not in "".join(traceback.format_exception_only(type(raised.value), raised.value))
    assert raised.value.response.status_code == 403
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_hook_that_raises_shows_no_key():
    hooks = {"response": [lambda response, *_, **__: response.raise_for_status()]}
    with pytest.raises(library.exceptions.HTTPError) as raised:
        list(rest_client(library.Session(), auth=KEY).paginate("x", hooks=hooks))
    assert CANARY not in str(raised.value)


def test_a_session_of_the_user_that_gets_no_answer_shows_no_key():
    for auth, params in ((KEY, None), (None, {"token": CANARY})):
        with pytest.raises(library.exceptions.ConnectionError) as raised:
            RESTClient("http://127.0.0.1:1", auth=auth, session=library.Session()).get("x", params=params)
        told = traceback.format_exception(type(raised.value), raised.value, raised.value.__traceback__)
        assert CANARY not in "".join(told).replace("CANARY", "")


def test_an_answer_that_is_fine_raises_nothing():
    wired(Client(raise_for_status=False).session, 200).get(f"{URL}/x").raise_for_status()


def test_a_resource_that_raises_shows_no_key(pipeline):
    @dlt.resource
    def items():
        yield rest_client(library.Session(), auth=KEY).get("x").raise_for_status()

    with pytest.raises(Exception) as raised:
        pipeline.run(items())
    told = traceback.format_exception(type(raised.value), raised.value, raised.value.__traceback__)
    assert CANARY not in "".join(told)


def test_a_trace_shows_no_secret_among_the_attributes_of_errors(pipeline, monkeypatch):
    monkeypatch.setenv("SOURCES__TOKEN", "opensesame77")

    @dlt.source
    def guarded(token: str = dlt.secrets.value):
        @dlt.resource
        def items():
            raise ValueError("bad token " + token)
            yield

        return items

    with pytest.raises(Exception):
        pipeline.run(guarded())
    shown = json.dumps(pipeline.last_trace.asdict(), default=str)
    assert "bad token" in shown and "opensesame77" not in shown


class _Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize("hint", [int, float, bool, dict, list, tuple, datetime, Decimal, _Colour, Literal["a"], bytes])
def test_a_secret_of_another_type_is_not_shown(hint):
    try:
        coerce("port", "opensesame78", hint, is_secret=True)
    except ConfigValueCannotBeCoercedException as error:
        one = error
        while one is not None:
            assert "opensesame78" not in str(one) + repr(one.args) + repr(vars(one))
            one = one.__cause__ or one.__context__
    else:
        assert hint is bytes, "it is taken as it is"


def test_a_secret_argument_of_another_type_is_not_shown(monkeypatch):
    monkeypatch.setenv("SOURCES__PORT", "opensesame79")

    @dlt.source
    def guarded(port: int = dlt.secrets.value):
        return dlt.resource([port], name="ports")

    with pytest.raises(ConfigValueCannotBeCoercedException, match="`port`") as raised:
        guarded()
    told = traceback.format_exception(type(raised.value), raised.value, raised.value.__traceback__)
    assert "opensesame79" not in "".join(told)
    with pytest.raises(ConfigValueCannotBeCoercedException) as raised:
        dlt.secrets.get("sources.port", int)
    assert raised.value.field_value == "***"


def test_a_setting_of_another_type_is_shown_with_the_words_that_there_are():
    with pytest.raises(ConfigValueCannotBeCoercedException, match="it is `abc`") as raised:
        coerce("workers", "abc", int)
    assert raised.value.field_value == "abc"
    with pytest.raises(ConfigValueCannotBeCoercedException, match="`flase`: there are false, true"):
        coerce("dev_mode", "flase", bool)


SECRETS = ["p@ss w/rd+\u00e9%&=", "a\"quoted\\back'q", "line1\nline2key", "\u65e5\u672c\u8a9e\u306e\u79d8\u5bc6\u9375", "<tag>&key1"]


def quoted(text):
    return json.dumps(text)


ESCAPES = {
    "twice": lambda text: quoted(quoted(text)),
    "three times": lambda text: quoted(quoted(quoted(text))),
    "html": html.escape,
    "html in json": lambda text: quoted(html.escape(text)),
    "json in html": lambda text: html.escape(quoted(text)),
    "numbers": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "url of a url": lambda text: library.utils.quote(library.utils.quote(text, safe=""), safe=""),
}


@pytest.mark.parametrize("escape", list(ESCAPES))
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_is_escaped_twice_is_not_shown(secret, escape):
    masking.learn(secret)
    text = ESCAPES[escape](secret)
    shown = masking.masked(f"before {text} after")
    assert "***" in shown and shown.startswith("before ") and shown.endswith(" after")
    assert text not in shown and secret not in shown


def test_halves_of_characters_are_no_obstacle():
    masking.learn("key\U0001f600word")
    shown = masking.masked(quoted(quoted("key\U0001f600word")))
    assert shown.strip('\\"') == "***", shown
    assert masking.masked("a \ud800 b") == "a \ufffd b"
    assert masking.masked("a \\ud800 b") == "a \\ud800 b"


def test_a_text_without_secrets_stays_as_it_is():
    for text in ("a &amp; b", "c:\\new", "50%25", "\\u0041", quoted(quoted("x"))):
        assert masking.masked(text) == text


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_):
        """Says nothing."""


@pytest.mark.parametrize("kind", ["own", "library"])
def test_the_log_of_the_library_below_shows_no_key(kind, caplog):
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    session = Client(raise_for_status=False).session if kind == "own" else library.Session()
    try:
        with caplog.at_level(logging.DEBUG):
            client = RESTClient(f"http://127.0.0.1:{server.server_port}", auth=KEY, session=session)
            client.get("things", params={"page": 2, "sig": "unheardof99"})
    finally:
        server.shutdown()
        server.server_close()
    assert "GET /things?page=2&sig=***" in caplog.text
    assert CANARY not in caplog.text and "unheardof99" not in caplog.text
