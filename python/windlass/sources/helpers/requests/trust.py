"""Which host gets what: credentials, headers, cookies and bodies stay with the host that they are for."""

from contextvars import ContextVar
from typing import Any, Iterable, List, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit, urlunsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from windlass.sources.helpers._requests import requests
from windlass.version import __version__

_PORTS = {"http": 80, "https": 443}

#: What says of a prepared request that it goes without what is meant for another host.
_WITHHELD = "windlass_withheld"

#: Hosts that get everything, too, while a client sends; `None` asks the settings.
LISTED: "ContextVar[Optional[List[str]]]" = ContextVar("windlass_send_credentials_to", default=None)


class LeadsToAnotherHost(requests.exceptions.RequestException):
    """A link or redirect leads to another host, which does not get the body of the request."""


class Origin(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: Optional[int]

    @property
    def place(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def origin(url: Any) -> Optional[Origin]:
    """Where a request for a prepared URL goes; `None` if it is no address of the web.

    `requests` reads the URL by one parser and the library below by another, so one that means two hosts is none.
    """
    if not isinstance(url, str):
        return None
    try:
        one, other = urlsplit(url), parse_url(url)
        scheme, host, port = one.scheme.lower(), (one.hostname or "").lower().strip("[]"), one.port
    except (ValueError, LocationParseError):
        return None
    if scheme not in _PORTS or not host or host != (other.host or "").lower().strip("[]") or port != other.port:
        return None
    return Origin(scheme, host, port or _PORTS[scheme])


def prepared_url(url: Any) -> Any:
    """A URL as it is sent; as it is, if it cannot be."""
    try:
        return requests.Request("GET", url).prepare().url
    except (requests.exceptions.RequestException, ValueError):
        return url


def may_follow(home: Optional[Origin], there: Optional[Origin], listed: Iterable[str] = ()) -> bool:
    """Whether what is meant for one place may go to another: the same, with TLS added, or one that is listed."""
    if there is None:
        return False
    if home is not None:
        upgraded = home.scheme == "http" and home.port == 80 and there == Origin("https", home.host, 443)
        if home == there or upgraded:
            return True
    gives_up_tls = home is not None and home.scheme == "https" and there.scheme == "http"
    return any(_names(entry.strip().rstrip("/"), there, gives_up_tls) for entry in listed)


def _names(entry: str, there: Origin, gives_up_tls: bool) -> bool:
    """Whether an entry of a list means a place. A host alone never stands for giving up TLS."""
    has_scheme = "://" in entry
    has_port = entry.rpartition(":")[2].isdigit() and ":" in entry
    named = origin(prepared_url(entry if has_scheme else f"{there.scheme}://{entry}"))
    if named is None:
        return False
    return named == there if has_scheme or has_port else named.host == there.host and not gives_up_tls


def listed_hosts() -> List[str]:
    """Hosts that get everything, too."""
    known = LISTED.get()
    if known is not None:
        return known
    from windlass.sources.helpers.requests.retry import runtime_setting

    return list(runtime_setting("send_credentials_to", list, []))


def _plain_headers() -> Any:
    headers = requests.utils.default_headers()
    headers["User-Agent"] = f"windlass/{__version__}"
    return headers


def refuse_body(method: Any, url: Any, there: Optional[Origin]) -> None:
    """Raises the error of a body that would go to another host."""
    from windlass.sources.helpers.rest_client.utils import sanitize_url

    place = there.place if there else "its host"
    raise LeadsToAnotherHost(
        f"{method} {sanitize_url(url)}: a link or redirect leads to another host, which does not get the body of the "
        f"request: `send_credentials_to` with {place!r} lets it go there"
    )


def stranger(request: requests.Request, own_params: Any = None) -> requests.PreparedRequest:
    """A request to a host that gets nothing of the caller but the URL, which came from elsewhere.

    `own_params` are the parameters of the caller; those that a paginator wrote go along.
    """
    url: Any = requests.Request("GET", request.url, params=_without(request.params, own_params)).prepare().url
    there = origin(url)
    if request.data or request.json is not None or request.files:
        refuse_body(request.method, url, there)
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    plain = requests.Request(request.method, bare, headers=_plain_headers(), hooks=request.hooks)
    prepared = plain.prepare()
    prepared.prepare_auth(_netrc_of(bare))
    setattr(prepared, _WITHHELD, True)
    return prepared


def _without(params: Any, own: Any) -> Any:
    """Parameters that are not the caller's, or have another value by now."""
    if not own:
        return params
    if not isinstance(own, Mapping) or not isinstance(params, Mapping):
        return None
    return {name: value for name, value in params.items() if name not in own or own[name] != value}


def _netrc_of(url: str) -> Any:
    """What the user's file of credentials has for this host by name; its entry for all hosts follows no link."""
    own = requests.utils.get_netrc_auth(url)
    return own if own != requests.utils.get_netrc_auth("http://any-other-host.invalid/") else None


def rebuild_auth(session: Any, prepared: requests.PreparedRequest, response: requests.Response) -> None:
    """Takes from the request that a redirect asks for what is not for its host."""
    home, there = origin(response.request.url), origin(prepared.url)
    if not getattr(response.request, _WITHHELD, False) and may_follow(home, there, listed_hosts()):
        return
    if prepared.body:
        refuse_body(prepared.method, prepared.url, there)
    prepared.headers = _plain_headers()
    if prepared.method not in (None, "GET", "HEAD", "OPTIONS"):
        prepared.headers["Content-Length"] = "0"
    parts = urlsplit(prepared.url or "")
    if "@" in parts.netloc:
        prepared.url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    setattr(prepared, _WITHHELD, True)


def guarded(session: Any) -> Any:
    """A session whose redirects lead nothing astray."""
    from windlass.sources.helpers.requests.session import Session, guard_logs

    guard_logs()
    if session is not None and not isinstance(session, Session):
        session.rebuild_auth = lambda prepared, response: rebuild_auth(session, prepared, response)
    return session
