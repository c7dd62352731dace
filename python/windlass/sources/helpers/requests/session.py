"""Sessions with a timeout, that raise for answers that are errors and try again what may work then."""

import re
import time
from datetime import timedelta
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Callable, Iterator, NamedTuple, Optional, Sequence, Tuple, Type, Union

from windlass.common.masking import masked, masked_url
from windlass.extract.limits import record_limit
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.requests import trust
from windlass.sources.helpers.requests.typing import TimedeltaSeconds, TRequestTimeout
from windlass.version import __version__

Response = requests.Response
BaseSession = requests.Session

#: Seconds.
DEFAULT_TIMEOUT = 60

RetryPredicate = Callable[[Optional[requests.Response], Optional[BaseException]], bool]


def to_seconds(time_: Optional[TimedeltaSeconds]) -> Optional[float]:
    """A time as seconds."""
    return time_.total_seconds() if isinstance(time_, timedelta) else time_


def _timeout_to_seconds(timeout: Optional[TRequestTimeout]) -> Union[None, float, Tuple[Any, Any]]:
    if isinstance(timeout, tuple):
        return (to_seconds(timeout[0]), to_seconds(timeout[1]))
    return to_seconds(timeout)


def without_secrets(error: Any) -> Any:
    """An error of the library as it may be shown: it names the URL, in which keys may stand. Itself, if it is fine."""
    if not isinstance(error, requests.exceptions.RequestException):
        return error
    text = str(error)
    shown = _URL.sub(lambda found: masked_url(found.group()), text)
    shown = masked(_PATH.sub(lambda found: found.group(1) + masked_url(found.group(2)), shown))
    if shown == text:
        return error
    try:
        clean = type(error)(shown, request=error.request, response=error.response)
    except Exception:
        clean = requests.exceptions.RequestException(shown, request=error.request, response=error.response)
    return clean.with_traceback(error.__traceback__)


#: URLs and their paths in messages of the library.
_URL = re.compile(r"https?://[^\s'\"<>)]+")
_PATH = re.compile(r"(with url: )(/[^\s'\"<>)]*)")


#: Loggers of the library below that tell what is asked for.
_LOGGERS = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry", "urllib3.connection")

#: Paths with a query.
_QUERY = re.compile(r"(?<![^\s\"'(=])/[^\s'\"<>)]*\?[^\s'\"<>)]*")


class _QueryFilter:
    """Takes the values of parameters, and all secrets, out of records of a log."""

    def filter(self, record: Any) -> bool:
        """Rewrites the record; it is always kept."""
        try:
            text = record.getMessage()
        except Exception:
            return True
        shown = _URL.sub(lambda found: masked_url(found.group()), text)
        shown = masked(_QUERY.sub(lambda found: masked_url(found.group()), shown))
        if shown != text:
            record.msg, record.args = shown, None
        return True


_query_filter = _QueryFilter()


def guard_logs() -> None:
    """Lets no key of a query reach the log of the program through the library below."""
    import logging

    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _query_filter not in logger.filters:
            logger.addFilter(_query_filter)  # type: ignore[arg-type]


def raise_for_status(response: requests.Response) -> None:
    """Raises `HTTPError` for answers of status 400 and above, as the library does but without the secrets of the URL."""
    _raise_masked(lambda: type(response).raise_for_status(response))


def _raise_masked(raises: Callable[[], None]) -> None:
    try:
        raises()
    except requests.exceptions.HTTPError as raised:
        shown = without_secrets(raised)
        if shown is raised:
            raise
        raise shown from None


class MaskedResponse(Response):
    """An answer whose errors show no secrets of its URL."""

    def raise_for_status(self) -> None:
        """Raises `HTTPError` for answers of status 400 and above."""
        _raise_masked(super().raise_for_status)


def masks_errors(response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
    """A hook, the first one, that lets an answer raise errors without secrets, whoever asks it to."""
    if type(response) is Response:
        response.__class__ = MaskedResponse
    elif not isinstance(response, MaskedResponse):
        # Another library has a class of its own, which may mean something.
        response.raise_for_status = lambda: raise_for_status(response)  # type: ignore[method-assign]


class RetryPolicy(NamedTuple):
    """What is tried again, how often, and after which pauses."""

    status_codes: Sequence[int]
    exceptions: Sequence[Type[BaseException]]
    max_attempts: int
    conditions: Sequence[RetryPredicate]
    backoff_factor: float
    respect_retry_after_header: bool
    max_delay: float

    def wants_more(self, response: Optional[requests.Response], error: Optional[BaseException]) -> bool:
        """Whether this outcome may be better next time."""
        if error is not None and isinstance(error, tuple(self.exceptions)):
            return True
        answer = response if response is not None else getattr(error, "response", None)
        # A hook may have made an error of the answer already.
        if answer is not None and (error is None or isinstance(error, requests.exceptions.HTTPError)):
            if answer.status_code in self.status_codes:
                return True
        return any(condition(response, error) for condition in self.conditions)

    def pause(self, attempt: int, response: Optional[requests.Response]) -> float:
        """Seconds before the next attempt; `attempt` counts from 1."""
        if self.respect_retry_after_header and response is not None:
            told = _retry_after(response.headers.get("Retry-After"))
            if told is not None:
                return max(0.0, min(told, self.max_delay))
        return max(0.0, min(self.backoff_factor * 2.0 ** (attempt - 1), self.max_delay))


def _retry_after(text: Optional[str]) -> Optional[float]:
    """Seconds that a server asks to wait; `None` if it names no time to come."""
    if not text:
        return None
    try:
        seconds = float(int(text))
    except ValueError:
        date = parsedate_tz(text)
        if date is None:
            return None
        seconds = mktime_tz(date) - time.time()
    return seconds if seconds > 0 else None


#: How many times its packed size an answer may have before it counts as made to fill the memory. JSON stays below.
_MOST_TIMES = 100


class TooLongAnswer(requests.exceptions.RequestException):
    """A packed answer that would fill the memory."""


class Adapter(requests.adapters.HTTPAdapter):
    """Sends requests; of packed answers that are read as a whole it unpacks no more than the memory has room for."""

    def send(self, request: Any, stream: bool = False, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, stream, *args, **kwargs)
        if not stream and response.headers.get("Content-Encoding"):
            raw = response.raw
            unpacked = raw.stream
            # Twice as long as a record, as in pipeline files.
            limit = 2 * record_limit()

            def limited(*given: Any, **named: Any) -> Iterator[bytes]:
                length = 0
                for piece in unpacked(*given, **named):
                    length += len(piece)
                    if length > limit and length > _MOST_TIMES * raw.tell():
                        response.close()
                        raise TooLongAnswer(
                            f"{masked_url(response.url)} answered with a packed body that is longer than {limit} bytes, "
                            f"and more than {_MOST_TIMES} times as long as it was sent: extract.max_record_bytes is half of "
                            "the limit; unless it is set it is a sixteenth of max_memory",
                            request=request,
                        )
                    yield piece

            raw.stream = limited  # type: ignore[method-assign]
        return response


class Session(BaseSession):
    """A session with a timeout. Answers of status 400 and above raise `HTTPError` unless `raise_for_status` is off."""

    #: What is tried again; nothing, unless a `Client` made the session.
    retry_policy: Optional[RetryPolicy] = None

    def __init__(
        self,
        timeout: Optional[TRequestTimeout] = DEFAULT_TIMEOUT,
        raise_for_status: bool = True,
    ) -> None:
        super().__init__()
        guard_logs()
        for scheme in ("https://", "http://"):
            self.mount(scheme, Adapter())
        self.timeout = _timeout_to_seconds(timeout)
        self.raise_for_status = raise_for_status
        self.headers.update({"User-Agent": f"windlass/{__version__}"})

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Sends a request."""
        kwargs.setdefault("timeout", self.timeout)
        response = super().request(*args, **kwargs)
        if self.raise_for_status:
            raise_for_status(response)
        return response

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Takes from the request that a redirect asks for what is not for its host."""
        trust.rebuild_auth(self, prepared_request, response)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends a request that is prepared."""
        kwargs.setdefault("timeout", self.timeout)
        hooks = request.hooks.setdefault("response", [])
        if masks_errors not in hooks:
            hooks.insert(0, masks_errors)
        policy = self.retry_policy
        if policy is None:
            try:
                return super().send(request, **kwargs)
            except requests.exceptions.RequestException as raised:
                shown = without_secrets(raised)
                if shown is raised:
                    raise
                raise shown from None
        attempt = 0
        while True:
            attempt += 1
            response: Optional[requests.Response] = None
            error: Optional[BaseException] = None
            try:
                response = super().send(request, **kwargs)
            except Exception as raised:
                cause = without_secrets(raised)
                is_spent = attempt >= policy.max_attempts or getattr(cause, "windlass_was_retried", False)
                if is_spent or not policy.wants_more(None, cause):
                    # A hop of a redirect is sent by this function, too: it is tried often enough there.
                    cause.windlass_was_retried = True  # type: ignore[attr-defined]
                    if cause is raised:
                        raise
                    raise cause from None
                error = cause
            else:
                is_last = attempt >= policy.max_attempts or bool(response.history)
                if is_last or not policy.wants_more(response, None):
                    return response
            answer = response if response is not None else getattr(error, "response", None)
            if answer is not None:
                answer.close()
            time.sleep(policy.pause(attempt, answer))
