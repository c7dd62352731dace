"""The helpers for REST APIs: what happens with bad servers, settings and user code."""

import base64
import json
import pathlib
import threading

import pytest
from rest_server import ScriptedServer

import windlass as dlt
from windlass.common import jsonpath
from windlass.pipeline.exceptions import PipelineStepFailed
from windlass.sources.helpers import requests
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
    OAuthJWTAuth,
)
from windlass.sources.helpers.rest_client.exceptions import EndlessPagination, PaginatorNotFound
from windlass.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONLinkPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)
from windlass.sources.rest_api import check_connection, rest_api_resources, rest_api_source

JSON = {"Content-Type": "application/json"}
ROOT = pathlib.Path(__file__).parents[2]


def answer(path, body, query="", status=200, method="GET", headers=JSON):
    """An exchange."""
    return {
        "request": {"method": method, "path": path, "raw_query": query},
        "response": {"status": status, "headers": headers, "body": body},
    }


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def pauses(monkeypatch):
    """Pauses are noted in place of being made."""
    import windlass.sources.helpers.requests.session as session

    found = []
    monkeypatch.setattr(session.time, "sleep", found.append)
    return found


def test_html_in_place_of_json(server):
    server.script([answer("/i", "<html>login</html>", headers={"Content-Type": "text/html"})])
    with pytest.raises(requests.RequestException) as raised:
        list(RESTClient(server.url).paginate("i"))
    assert isinstance(raised.value, ValueError)
    assert "text/html" in str(raised.value) and "answered 200" in str(raised.value)
    assert "login" not in str(raised.value)


def test_no_constants_that_are_no_json(server):
    server.script([answer("/i", '[{"a": NaN}]')])
    with pytest.raises(requests.RequestException, match="NaN is no JSON"):
        list(RESTClient(server.url).paginate("i"))


def test_a_paginator_that_never_ends(server):
    page = {"data": [{"id": 1}], "next": "/i"}
    server.script([answer("/i", page) for _ in range(200)])
    with pytest.raises(EndlessPagination, match="the pages never end: .*/i gave the same answer"):
        list(RESTClient(server.url).paginate("i"))
    assert len(server.asked) < 200


def test_credentials_stay_with_their_host(server):
    there = f"http://localhost:{server.port}"
    pages = [answer("/a", {"data": [1], "next": f"{there}/b"}), answer("/b", {"data": [2]})]
    server.script(pages)
    client = RESTClient(server.url, headers={"Authorization": "own", "X-App": "1"}, auth=BearerTokenAuth("T"))
    assert [list(page) for page in client.paginate("a")] == [[1], [2]]
    assert [one["headers"].get("authorization") for one in server.asked] == ["Bearer T", None]
    assert [one["headers"].get("x-app") for one in server.asked] == ["1", None]
    server.script(pages)
    client.send_credentials_to = ["localhost"]
    list(client.paginate("a"))
    assert [one["headers"].get("authorization") for one in server.asked] == ["Bearer T", "Bearer T"]
    # Who writes the URL means it.
    server.script([answer("/b", {"data": [2]})])
    assert client.get(f"{there}/b").status_code == 200
    assert server.asked[0]["headers"]["authorization"] == "Bearer T"


def test_a_redirect_is_tried_as_often_as_anything(server, pauses):
    hop = answer("/a", "", status=302, headers={"Location": "/b"})
    server.script([hop, *(answer("/b", "no", status=503) for _ in range(9))])
    assert RESTClient(server.url).get("a").status_code == 503
    assert [one["path"] for one in server.asked] == ["/a", *["/b"] * 5]
    assert pauses == [1, 2, 4, 8]


def test_a_dropped_connection_is_tried_again(server, pauses):
    server.script([answer("/a", "", status=None)] * 5)
    with pytest.raises(requests.ConnectionError):
        RESTClient(server.url).get("a")
    assert len(server.asked) == 5 and pauses == [1, 2, 4, 8]


def test_settings_of_the_runtime(server, pauses, monkeypatch):
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_TIMEOUT", "7.5")
    server.script([answer("/a", "", status=500)] * 5)
    client = RESTClient(server.url)
    assert client.session.timeout == 7.5
    assert client.get("a").status_code == 500
    assert pauses == [3, 6]
    # What is given in code goes before.
    assert requests.Client(request_timeout=2).session.timeout == 2


def test_the_sessions_of_a_client_belong_to_threads():
    client = requests.Client()
    found = [client.session]
    thread = threading.Thread(target=lambda: found.append(client.session))
    thread.start()
    thread.join()
    assert client.session is found[0] is not found[1]

    class Settings:
        request_timeout = 3

    client.configure(Settings())
    assert client.session is not found[0]
    assert client.session.timeout == 3


def test_no_secret_in_what_is_printed():
    for auth in (
        BearerTokenAuth("hunter2"),
        APIKeyAuth(api_key="hunter2"),
        HttpBasicAuth("u", "hunter2"),
        OAuth2ClientCredentials(access_token_url="x", client_id="hunter2", client_secret="hunter2"),
    ):
        assert "hunter2" not in f"{auth!r} {auth}"
        assert auth and isinstance(dict(auth), dict)


def test_a_signed_statement():
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    key = (ROOT / "conformance" / "rest" / "key_for_tests.pem").read_text()
    auth = OAuthJWTAuth(client_id="cid", private_key=key, auth_endpoint="https://a/jwt", scopes=["a", "b"])
    text = auth._signed(auth.create_jwt_payload())
    head, claims, signature = text.split(".")

    def plain(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    assert json.loads(plain(head)) == {"alg": "RS256", "typ": "JWT"}
    found = json.loads(plain(claims))
    assert found["exp"] - found["iat"] == 3600 and found["scope"] == "a b" and found["aud"] == "https://a/jwt"
    auth.load_private_key().public_key().verify(plain(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())


def test_auth_as_an_argument_comes_from_the_settings(server, monkeypatch):
    monkeypatch.setenv("SOURCES__TEST_REST_CLIENT__THINGS__AUTH__TOKEN", "T")

    @dlt.resource
    def things(url, auth: BearerTokenAuth = dlt.secrets.value):
        yield from RESTClient(url, auth=auth).paginate("things")

    server.script([answer("/things", [{"id": 1}])])
    assert list(things(server.url)) == [{"id": 1}]
    assert server.asked[0]["headers"]["authorization"] == "Bearer T"


def test_no_paginator_is_found(server):
    from windlass.sources.helpers.rest_client.detector import PaginatorFactory

    server.script([answer("/a", [1])])
    client = RESTClient(server.url, paginator_factory=PaginatorFactory([lambda response: (None, None)]))
    with pytest.raises(PaginatorNotFound, match="give a paginator"):
        list(client.paginate("a"))


def test_a_paginator_that_cannot_be_copied(server):
    class Locked(JSONLinkPaginator):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    server.script([answer("/a", {"data": [1], "next": "/a?p=2"}), answer("/a", {"data": [2]}, "p=2")])
    config = {"client": {"base_url": server.url}, "resources": [{"name": "a", "endpoint": {"paginator": Locked()}}]}
    assert list(rest_api_source(config).a) == [1, 2]


@pytest.mark.parametrize("kind", [OffsetPaginator, PageNumberPaginator])
def test_paginators_say_what_they_are(kind):
    paginator = kind(5) if kind is OffsetPaginator else kind()
    assert isinstance(paginator, BasePaginator) and paginator.has_next_page
    assert str(paginator).startswith(kind.__name__) and "total_path: total" in str(paginator)


def test_jq_expressions_as_steps(server):
    server.script([answer("/posts", [{"id": n, "big": 2**70} for n in (1, 2, 3)])])
    steps = [{"filter": ".id > 1"}, {"map": ".m = .id * 2"}, {"yield_map": "., (. | .m = 0)"}, {"map": lambda row: {**row, "p": 1}}]
    config = {"client": {"base_url": server.url}, "resources": [{"name": "posts", "processing_steps": steps}]}
    rows = list(rest_api_source(config))
    assert [(row["id"], row["m"], row["p"]) for row in rows] == [(2, 4, 1), (2, 0, 1), (3, 6, 1), (3, 0, 1)]
    assert rows[0]["big"] == 2**70


def test_a_jq_expression_that_is_none():
    config = {"client": {"base_url": "http://x"}, "resources": [{"name": "a", "processing_steps": [{"map": ".a +"}]}]}
    with pytest.raises(Exception, match=r"processing_steps\[0\].*field `map`"):
        rest_api_source(config)


def test_a_step_that_fails_is_the_users(server, pipeline):
    def wrong(row):
        return row["nothing"]

    server.script([answer("/a", [{"id": 1}])])
    config = {"client": {"base_url": server.url}, "resources": [{"name": "a", "processing_steps": [{"map": wrong}]}]}
    with pytest.raises(PipelineStepFailed) as raised:
        pipeline.run(rest_api_source(config))
    assert "wrong" in str(raised.value) and "nothing" in str(raised.value)


def test_denied(server, pipeline):
    server.script([answer("/a", {"m": "no"}, "api_key=hunter2", status=401)])
    endpoint = {"params": {"api_key": "hunter2"}}
    with pytest.raises(PipelineStepFailed, match="401 Client Error: Unauthorized for url: .*api_key=\\*\\*\\*") as raised:
        pipeline.run(rest_api_source({"client": {"base_url": server.url}, "resources": [{"name": "a", "endpoint": endpoint}]}))
    assert "hunter2" not in str(raised.value)


def test_a_connection_is_checked(server):
    server.script([answer("/a", [1]), answer("/b", "", status=403)])
    source = rest_api_source({"client": {"base_url": server.url}, "resources": ["a", "b"]})
    assert check_connection(source, "a") == (True, "")
    is_ok, text = check_connection(source, "b")
    assert not is_ok and "403" in text


def test_hints_and_steps_of_resources_that_are_made(server, pipeline):
    server.script([answer("/a", [{"id": 1, "at": 5}, {"id": 2, "at": 7}]), answer("/a", [{"id": 2, "at": 7}, {"id": 3, "at": 9}])])
    config = {"client": {"base_url": server.url}, "resources": ["a"]}

    def one():
        resource = rest_api_resources(config)[0]
        resource.apply_hints(primary_key="id", write_disposition="merge", incremental=dlt.sources.incremental("at"))
        return resource.add_map(lambda row: {**row, "seen": True}).add_filter(lambda row: row["id"] != 2)

    pipeline.run(one())
    pipeline.run(one())
    assert sorted(pipeline.dataset().a.select("id", "at", "seen").fetchall()) == [(1, 5, True), (3, 9, True)]


def test_the_trace_tells_where_a_resource_reads():
    resource = rest_api_resources({"client": {"base_url": "http://u:p@x.io/?token=t"}, "resources": ["a"]})[0]
    assert resource.inputs == [
        {"kind": "rest_api", "resource_name": "a", "location": "http://x.io/?token=***", "endpoints": ["a"]}
    ]


def test_import_under_the_name_of_dlt():
    import subprocess
    import sys

    code = (
        "import windlass; windlass.alias_dlt()\n"
        "from dlt.sources.helpers import requests\n"
        "from dlt.sources.helpers.rest_client import RESTClient\n"
        "from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator\n"
        "from dlt.sources.rest_api import rest_api_source\n"
        "from dlt.sources.rest_api.config_setup import register_paginator\n"
        "import windlass.sources.rest_api as ours\n"
        "assert rest_api_source is ours.rest_api_source and requests.get and RESTClient and JSONLinkPaginator"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


CASES = json.loads((ROOT / "crates/windlass-core/src/json/path/jsonpath_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["cases"], ids=[case["expr"] for case in CASES["cases"]])
def test_recorded_paths(case):
    if case["error"] is not None:
        with pytest.raises(ValueError):
            jsonpath.find_values(case["expr"], CASES["document"])
        return
    found = jsonpath.find_values(case["expr"], CASES["document"])
    assert json.dumps(found) == json.dumps(case["values"])
    assert jsonpath.extract_simple_field_name(case["expr"]) == case["simple_field_name"]
