"""URLs, and what of them may be shown."""

from typing import Optional
from urllib.parse import urlsplit

from windlass.common.masking import masked_url

#: Names of parameters and fields whose values are not shown.
SENSITIVE_NAMES = frozenset(
    "api_key token key access_token apikey api-key access-token secret password pwd client_secret".split()
)


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
    """A URL as it may be shown: without password, and with the values of harmless parameters only."""
    if not url:
        return ""
    try:
        urlsplit(url)
    except ValueError:
        return "<a URL that cannot be read>"
    return masked_url(url).replace("://***@", "://", 1)
