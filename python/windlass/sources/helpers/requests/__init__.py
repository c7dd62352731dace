"""`requests` that tries again what may work then: `from windlass.sources.helpers import requests`."""

from typing import Any

from windlass.sources.helpers._requests import requests as _library
from windlass.sources.helpers.requests.retry import (
    Client,
    RetryError,
    client,
    delete,
    get,
    head,
    options,
    patch,
    post,
    put,
    request,
)
from windlass.sources.helpers.requests.session import Session

Request = _library.Request
Response = _library.Response
exceptions = _library.exceptions

ChunkedEncodingError = _library.exceptions.ChunkedEncodingError
ConnectionError = _library.exceptions.ConnectionError  # noqa: A001 (the library's name)
ConnectTimeout = _library.exceptions.ConnectTimeout
FileModeWarning = _library.exceptions.FileModeWarning
HTTPError = _library.exceptions.HTTPError
ReadTimeout = _library.exceptions.ReadTimeout
RequestException = _library.exceptions.RequestException
Timeout = _library.exceptions.Timeout
TooManyRedirects = _library.exceptions.TooManyRedirects
URLRequired = _library.exceptions.URLRequired


def init(config: Any) -> None:
    """Takes the settings of an object for the functions of this module."""
    client.update_from_config(config)


__all__ = [
    "ChunkedEncodingError",
    "Client",
    "ConnectTimeout",
    "ConnectionError",
    "FileModeWarning",
    "HTTPError",
    "ReadTimeout",
    "Request",
    "RequestException",
    "Response",
    "RetryError",
    "Session",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "client",
    "delete",
    "get",
    "head",
    "init",
    "options",
    "patch",
    "post",
    "put",
    "request",
]
