"""A client whose sessions try again what may work then."""

from threading import local
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Type, Union

from windlass.common.typing import CONFIG_VALUE
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.requests.session import (
    DEFAULT_TIMEOUT,
    Adapter,
    RetryPolicy,
    RetryPredicate,
    Session,
    to_seconds,
)
from windlass.sources.helpers.requests.typing import TimedeltaSeconds, TRequestTimeout

DEFAULT_RETRY_STATUS = (429, *range(500, 600))
DEFAULT_RETRY_EXCEPTIONS = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)

#: Settings of `[runtime]` and what they are where neither the settings nor the caller name them.
_RUNTIME: Dict[str, Tuple[Any, Any]] = {
    "request_timeout": (float, DEFAULT_TIMEOUT),
    "request_max_attempts": (int, 5),
    "request_backoff_factor": (float, 1),
    "request_max_retry_delay": (float, 300),
}


class RetryError(Exception):
    """All attempts failed. The last outcome is raised or returned instead; the name is here for scripts that catch it."""


def runtime_setting(name: str, kind: Any, default: Any) -> Any:
    """A setting of `[runtime]`."""
    from windlass.common.configuration.resolve import resolve

    value, _ = resolve(name, ("runtime",), kind)
    return default if value is None else value


class Client:
    """Makes a session for each thread. What is not given comes from the settings below `[runtime]`."""

    def __init__(
        self,
        request_timeout: Optional[TRequestTimeout] = DEFAULT_TIMEOUT,
        max_connections: int = 50,
        raise_for_status: bool = True,
        status_codes: Sequence[int] = DEFAULT_RETRY_STATUS,
        exceptions: Sequence[Type[Exception]] = DEFAULT_RETRY_EXCEPTIONS,
        request_max_attempts: int = 5,
        retry_condition: Union[RetryPredicate, Sequence[RetryPredicate], None] = None,
        request_backoff_factor: float = 1,
        request_max_retry_delay: TimedeltaSeconds = 300,
        respect_retry_after_header: bool = True,
        session_attrs: Optional[Dict[str, Any]] = None,
    ) -> None:
        given: Dict[str, Any] = {
            "request_timeout": request_timeout,
            "request_max_attempts": request_max_attempts,
            "request_backoff_factor": request_backoff_factor,
            "request_max_retry_delay": request_max_retry_delay,
        }
        #: What differs from the defaults goes before the settings.
        self._given = {name: value for name, value in given.items() if value != _RUNTIME[name][1]}
        self._raise_for_status = raise_for_status
        self._status_codes = tuple(status_codes)
        self._exceptions = tuple(exceptions)
        self._respect_retry_after_header = respect_retry_after_header
        self._conditions: Tuple[RetryPredicate, ...] = (
            () if retry_condition is None else (retry_condition,) if callable(retry_condition) else tuple(retry_condition)
        )
        self._session_attrs = dict(session_attrs or {})
        self._adapter = Adapter(pool_maxsize=max_connections)
        self._local = local()
        #: Counts how often the settings were changed: sessions of older ones are made anew.
        self._version = 0
        self._configured: Dict[str, Any] = {}
        self.get = lambda *a, **kw: self.session.get(*a, **kw)
        self.post = lambda *a, **kw: self.session.post(*a, **kw)
        self.put = lambda *a, **kw: self.session.put(*a, **kw)
        self.patch = lambda *a, **kw: self.session.patch(*a, **kw)
        self.delete = lambda *a, **kw: self.session.delete(*a, **kw)
        self.options = lambda *a, **kw: self.session.options(*a, **kw)
        self.head = lambda *a, **kw: self.session.head(*a, **kw)
        self.request = lambda *a, **kw: self.session.request(*a, **kw)

    def configure(self, config: Any = CONFIG_VALUE) -> None:
        """Takes the settings anew: of `config`, an object with the settings of `[runtime]`, or of the files."""
        self._configured = {
            name: getattr(config, name) for name in _RUNTIME if getattr(config, name, None) is not None
        }
        self._version += 1

    def update_from_config(self, config: Any) -> None:
        """Takes the settings of an object."""
        self.configure(config)

    def _setting(self, name: str) -> Any:
        for known in (self._configured, self._given):
            if name in known:
                return known[name]
        return runtime_setting(name, *_RUNTIME[name])

    def _make_session(self) -> Session:
        session = Session(self._setting("request_timeout"), self._raise_for_status)
        session.retry_policy = RetryPolicy(
            status_codes=self._status_codes,
            exceptions=self._exceptions,
            max_attempts=max(1, int(self._setting("request_max_attempts"))),
            conditions=self._conditions,
            backoff_factor=self._setting("request_backoff_factor"),
            respect_retry_after_header=self._respect_retry_after_header,
            max_delay=to_seconds(self._setting("request_max_retry_delay")) or 0.0,
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._adapter)
        for name, value in self._session_attrs.items():
            setattr(session, name, value)
        return session

    @property
    def session(self) -> Session:
        """The session of this thread."""
        known = getattr(self._local, "session", None)
        if known is None or self._local.version != self._version:
            known = self._local.session = self._make_session()
            self._local.version = self._version
        return known  # type: ignore[no-any-return]


#: The client of the functions of this module.
client = Client()


def _method(name: str) -> Callable[..., requests.Response]:
    def call(*args: Any, **kwargs: Any) -> requests.Response:
        return getattr(client.session, name)(*args, **kwargs)  # type: ignore[no-any-return]

    call.__name__ = name
    call.__doc__ = f"Sends a request by the session of this thread, as `requests.{name}` does."
    return call


get, post, put, patch = _method("get"), _method("post"), _method("put"), _method("patch")
delete, options, head, request = _method("delete"), _method("options"), _method("head"), _method("request")
