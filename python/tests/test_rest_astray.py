"""Links and redirects that try to lead credentials, headers, cookies and bodies to another host."""

import io
import json
import pathlib
import random

import pytest
import requests as library

from windlass.sources.helpers import requests
from windlass.sources.helpers.requests import trust
from windlass.sources.helpers.requests.retry import Client
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from windlass.sources.helpers.rest_client.paginators import HeaderLinkPaginator, JSONLinkPaginator
from windlass.sources.rest_api import rest_api_resources

CANARY = "hushhush"
HOME = ("127.0.0.1", 18090)
LISTS = json.loads((pathlib.Path(__file__).parents[2] / "conformance" / "links_astray.json").read_text())
#: What a header can carry.
LINKS = [link for link in LISTS["home"] + LISTS["elsewhere"] if link.isprintable() or link.strip() != link]

AUTHS = {
    "bearer": BearerTokenAuth(CANARY),
    "basic": HttpBasicAuth("u", CANARY),
    "header": APIKeyAuth("X-Key", CANARY),
    "query": APIKeyAuth("k", CANARY, "query"),
    "cookie": APIKeyAuth("k", CANARY, "cookie"),
}


class Wire(library.adapters.HTTPAdapter):
    """Notes where each request would go, as the library would connect, and answers by a function."""

    def __init__(self, answer):
        super().__init__()
        self.answer, self.seen = answer, []

    def send(self, request, **_):
        """Notes the request."""
        host, _ = self.build_connection_pool_key_attributes(request, True)
        port = host["port"] or {"http": 80, "https": 443}[host["scheme"]]
        text = f"{request.url} {dict(request.headers)} {request.body}"
        leaks = CANARY in text or "Authorization" in request.headers
        self.seen.append(((host["host"], port), leaks, request))
        status, headers, body = self.answer(request, len(self.seen))
        response = library.Response()
        response.status_code, response.url, response.request = status, request.url, request
        response.headers.update(headers)
        response._content, response._content_consumed, response.raw = body.encode(), True, io.BytesIO()
        return response

    def astray(self):
        """What of the caller went to another host."""
        return [(place, request.url) for place, leaks, request in self.seen if leaks and place != HOME]


def session_of(kind, wire):
    """A session over a wire, with secrets in it."""
    session = Client(raise_for_status=False, request_max_attempts=1).session if kind == "own" else library.Session()
    session.mount("http://", wire)
    session.mount("https://", wire)
    session.headers["X-Session"] = CANARY
    session.cookies.set("c", CANARY)
    return session


def pages_of(link, how):
    """Answers whose first leads elsewhere."""

    def answer(request, number):
        if number > 1:
            return 200, {}, '{"d": []}'
        if how == "header":
            return 200, {"Link": f'<{link}>; rel="next"'}, '{"d": [1]}'
        if how == "json":
            return 200, {}, json.dumps({"d": [1], "next": link})
        return int(how), {"Location": link}, ""

    return answer


@pytest.mark.parametrize("kind", ["own", "library"])
@pytest.mark.parametrize("auth", list(AUTHS))
@pytest.mark.parametrize("how", ["header", "json", "301", "302", "303", "307", "308"])
def test_nothing_of_the_caller_goes_to_another_host(kind, auth, how):
    assert len(LISTS["home"] + LISTS["elsewhere"]) >= 105
    reached_home = 0
    for link in LISTS["home"] + LISTS["elsewhere"] if how == "json" else LINKS:
        wire = Wire(pages_of(link, how))
        client = RESTClient(
            "http://127.0.0.1:18090/v1/",
            headers={"X-Anything": CANARY, "Cookie": f"own={CANARY}", "User-Agent": CANARY},
            auth=AUTHS[auth],
            session=session_of(kind, wire),
            paginator=JSONLinkPaginator() if how == "json" else HeaderLinkPaginator(),
            data_selector="d",
        )
        try:
            list(client.paginate("things", params={"page": 1}))
        except (library.exceptions.RequestException, UnicodeError, ValueError):
            pass
        assert wire.seen[0][1], "the API itself gets them"
        assert wire.astray() == [], repr(link)
        reached_home += any(leaks for _, leaks, _ in wire.seen[1:])
    assert reached_home > 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_helper_leaves_nothing_behind_on_redirects(status):
    for link in LINKS:
        wire = Wire(pages_of(link, str(status)))
        session = session_of("own", wire)
        try:
            session.post(
                "http://127.0.0.1:18090/v1/things",
                headers={"X-Api-Key": CANARY},
                cookies={"o": CANARY},
                auth=("u", CANARY),
                data={"client_secret": CANARY},
            )
        except (library.exceptions.RequestException, UnicodeError, ValueError):
            pass
        assert wire.astray() == [], repr(link)


def test_two_hops_do_not_bring_them_back():
    def answer(request, number):
        return (302, {"Location": f"http://evil.example/{number}"}, "") if number < 4 else (200, {}, "[]")

    for kind in ("own", "library"):
        wire = Wire(answer)
        client = RESTClient("http://127.0.0.1:18090", auth=AUTHS["bearer"], session=session_of(kind, wire))
        assert client.get("a").status_code == 200
        assert len(wire.seen) == 4 and wire.astray() == []


def test_tokens_are_not_asked_for_elsewhere():
    for kind in ("own", "library"):
        wire = Wire(pages_of("http://evil.example/token", "307"))
        auth = OAuth2ClientCredentials(
            access_token_url="http://127.0.0.1:18090/token",
            client_id="u",
            client_secret=CANARY,
            session=session_of(kind, wire),
        )
        with pytest.raises(trust.LeadsToAnotherHost, match="evil.example") as error:
            auth.obtain_token()
        assert CANARY not in str(error.value)
        assert wire.astray() == []


@pytest.mark.parametrize(
    ("listed", "to", "expected"),
    [
        ("evil.example", "http://evil.example/", True),
        ("EVIL.example", "http://evil.example:81/", True),
        ("evil.example:81", "http://evil.example/", False),
        ("evil.example:80", "http://evil.example/", True),
        ("http://evil.example", "https://evil.example/", False),
        ("ample", "http://evil.example/", False),
        ("", "http://evil.example/", False),
        ("*", "http://evil.example/", False),
    ],
)
def test_exceptions_are_those_that_are_listed(listed, to, expected):
    for how in ("json", "302"):
        wire = Wire(pages_of(to, how))
        client = RESTClient(
            "http://127.0.0.1:18090",
            headers={"X-Anything": CANARY},
            session=session_of("own", wire),
            paginator=JSONLinkPaginator(),
            data_selector="d",
        )
        client.send_credentials_to = [listed]
        list(client.paginate("a"))
        assert bool(wire.astray()) == expected, how


def test_tls_is_not_given_up():
    home, there = trust.origin("https://h/"), trust.origin("http://h/")
    assert not trust.may_follow(home, there) and not trust.may_follow(home, there, ["h"])
    assert trust.may_follow(home, there, ["h:80"]) and trust.may_follow(home, there, ["http://h"])
    assert trust.may_follow(there, home)
    assert not trust.may_follow(trust.origin("http://h:81"), trust.origin("https://h:81"))


def test_the_host_of_a_record_is_anybodys():
    wire = Wire(lambda request, number: (200, {}, json.dumps([{"url": "http://evil.example/x", "path": "b"}])))
    for path, expected in (("{resources.things.url}", False), ("{resources.things.path}", True)):
        wire.seen.clear()
        resources = rest_api_resources(
            {
                "client": {
                    "base_url": "http://127.0.0.1:18090",
                    "headers": {"X-Anything": CANARY},
                    "auth": AUTHS["bearer"],
                    "session": session_of("own", wire),
                },
                "resources": ["things", {"name": "more", "endpoint": {"path": path, "paginator": "single_page"}}],
            }
        )
        assert list(next(one for one in resources if one.name == "more"))
        assert wire.astray() == []
        assert wire.seen[-1][1] == expected, path


def test_readers_of_a_url_agree_or_it_goes_nowhere():
    parts = [
        *("http://", "https://", "http:", "//", "/", "\\", "@", ":", "?", "#", "%5c", "%40", "%2f", "%00", "\t", "\n", " "),
        *("127.0.0.1", "127.1", "0x7f.1", "[::1]", "[::1%25lo]", "localhost", "a.b", "1", ":80", ":1", "user:pw@", "é", "。"),
    ]
    chance = random.Random(12)
    for _ in range(20_000):
        url = "http://127.0.0.1:18090" * chance.randrange(2) + "".join(chance.choices(parts, k=chance.randrange(1, 7)))
        url = trust.prepared_url(url)
        there = trust.origin(url)
        request = library.PreparedRequest()
        request.url = url
        try:
            host, _ = library.adapters.HTTPAdapter().build_connection_pool_key_attributes(request, True)
        except (ValueError, library.exceptions.RequestException):
            continue
        if there is not None:
            connects = (host["host"].lower().strip("[]"), host["port"])
            assert connects in ((there.host, there.port), (there.host, None)), repr(url)


def test_the_helper_is_the_one_that_is_guarded():
    assert requests.Session.rebuild_auth is not library.Session.rebuild_auth


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    "path", ["{resources.things.url}", "http://{resources.things.host}/x", "{u}", "{resources.things.with_query}"]
)
def test_parameters_do_not_go_to_the_host_of_a_record(path, listed, monkeypatch):
    thing = {"url": "http://evil.example/x", "host": "evil.example", "with_query": "http://evil.example/x?own=1"}
    wire = Wire(lambda request, number: (200, {}, json.dumps([thing])))
    monkeypatch.setenv("RUNTIME__SEND_CREDENTIALS_TO", '["evil.example"]' if listed else "[]")
    params = {"token": CANARY, "page_size": 7}
    if path == "{u}":
        params["u"] = {"type": "resolve", "resource": "things", "field": "url"}
    resources = rest_api_resources(
        {
            "client": {"base_url": "http://127.0.0.1:18090", "session": session_of("own", wire)},
            "resources": [
                "things",
                {
                    "name": "more",
                    "endpoint": {
                        "path": path,
                        "params": params,
                        "paginator": {"type": "offset", "limit": 3, "total_path": None, "maximum_offset": 3},
                    },
                },
            ],
        }
    )
    assert list(next(one for one in resources if one.name == "more"))
    place, _, request = wire.seen[-1]
    assert place == ("evil.example", 80)
    assert (CANARY in request.url) == listed and ("page_size" in request.url) == listed
    assert "offset=" in request.url, "what the paginator asks for goes along"
    assert ("own=1" in request.url) == ("with_query" in path)
    assert bool(wire.astray()) == listed
