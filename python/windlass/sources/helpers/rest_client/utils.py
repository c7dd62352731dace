"""URLs, and what of them may be shown."""

from typing import Optional
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: Names of parameters and fields whose values are not shown.
SENSITIVE_NAMES = frozenset(
    "api_key token key access_token apikey api-key access-token secret password pwd client_secret".split()
)

_MASK = "***"


def join_url(base_url: str, path: str) -> str:
    """`path` below `base_url`, with one slash between."""
    if base_url is None:
        raise ValueError("the base URL is None: give the client a `base_url`, or an empty one and full URLs as paths")
    if not base_url:
        return path
    if not path:
        return base_url
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def is_absolute(path: str) -> bool:
    """Whether a path is a URL of its own."""
    return urlsplit(path).scheme in ("http", "https")


def sanitize_url(url: Optional[str]) -> str:
    """A URL as it may be shown: without password and without values of parameters that are secrets."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "<a URL that cannot be read>"
    host = parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
    query = parts.query
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode(
            [(name, _MASK if name.lower() in SENSITIVE_NAMES else value) for name, value in pairs], safe="*"
        )
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))

