"""How requests are signed."""

import base64
import json
import math
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Union
from urllib.parse import urlencode, urlsplit, urlunsplit

from windlass.common.configuration import configspec
from windlass.common.configuration.specs import CredentialsConfiguration, NotResolved
from windlass.common.configuration.specs.exceptions import NativeValueError
from windlass.common.typing import Annotated, TSecretStrValue
from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.requests.session import raise_for_status
from windlass.sources.helpers.requests.trust import guarded
from windlass.sources.helpers.rest_client.exceptions import RESTClientException

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PreparedRequest = requests.PreparedRequest
AuthBase = requests.auth.AuthBase

TApiKeyLocation = Literal["header", "cookie", "query", "param"]

#: Seconds that a signed statement is good for.
_JWT_SECONDS = 3600


class AuthConfigBase(AuthBase, CredentialsConfiguration):
    """The base of what signs requests. Fields that are not given come from the settings."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a request."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a request is signed: define `__call__`")


def _refused(kind: Any, value: Any, wanted: str) -> NativeValueError:
    text = f"{wanted} of `{kind.__name__}` must be a `str`. Got value of type `{type(value)}`"
    return NativeValueError(kind, type(value).__name__, text)


@configspec
class BearerTokenAuth(AuthConfigBase):
    """A token in the header `Authorization`."""

    token: TSecretStrValue = None  # type: ignore[assignment]

    def parse_native_representation(self, value: Any) -> None:
        """Takes the token."""
        if not isinstance(value, str):
            raise _refused(type(self), value, "`token` argument")
        self.token = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


@configspec
class APIKeyAuth(AuthConfigBase):
    """A key in a header, the query or a cookie."""

    name: str = "Authorization"
    api_key: TSecretStrValue = None  # type: ignore[assignment]
    location: TApiKeyLocation = "header"

    def parse_native_representation(self, value: Any) -> None:
        """Takes the key."""
        if not isinstance(value, str):
            raise _refused(type(self), value, "`api_key` argument")
        self.api_key = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.location == "header":
            request.headers[self.name] = self.api_key
        elif self.location in ("query", "param"):
            parts = urlsplit(str(request.url))
            own = urlencode({self.name: self.api_key})
            request.url = urlunsplit(parts._replace(query=f"{parts.query}&{own}" if parts.query else own))
        elif self.location == "cookie":
            known = request.headers.get("Cookie")
            own = f"{self.name}={self.api_key}"
            request.headers["Cookie"] = f"{known}; {own}" if known else own
        else:
            raise ValueError(
                f"the location of an API key is `header`, `query`, `param` or `cookie`, not `{self.location}`"
            )
        return request


@configspec
class HttpBasicAuth(AuthConfigBase):
    """A user name and a password."""

    username: str = None  # type: ignore[assignment] # noqa: RUF013 (the reference's signature)
    password: TSecretStrValue = None  # type: ignore[assignment]

    def parse_native_representation(self, value: Any) -> None:
        """Takes the two of a list."""
        names = list(value) if isinstance(value, (list, tuple)) else []
        if len(names) != 2 or not all(isinstance(name, str) for name in names):
            raise _refused(type(self), value, "each of `username` and `password`")
        self.username, self.password = names

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        request.headers["Authorization"] = f"Basic {pair}"
        return request


@configspec
class OAuth2AuthBase(AuthConfigBase):
    """A token that was given for other credentials."""

    access_token: TSecretStrValue = None  # type: ignore[assignment]

    def parse_native_representation(self, value: Any) -> None:
        """Takes the token."""
        if not isinstance(value, str):
            raise _refused(type(self), value, "`access_token` argument")
        self.access_token = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        return request


def _default_session() -> requests.Session:
    from windlass.sources.helpers.requests import client

    return client.session


@configspec
class OAuth2ClientCredentials(OAuth2AuthBase):
    """The flow of client credentials: a token is asked for when there is none, or when it is too old."""

    access_token: Annotated[Optional[TSecretStrValue], NotResolved()] = None  # type: ignore[assignment]
    access_token_url: str = None  # type: ignore[assignment] # noqa: RUF013
    client_id: TSecretStrValue = None  # type: ignore[assignment]
    client_secret: TSecretStrValue = None  # type: ignore[assignment]
    access_token_request_data: Dict[str, Any] = None  # type: ignore[assignment] # noqa: RUF013
    default_token_expiration: int = 3600
    session: Annotated[requests.Session, NotResolved()] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.access_token_request_data is None:
            self.access_token_request_data = {}
        self.token_expiry: Any = datetime.now(timezone.utc)
        self.session = _default_session() if self.session is None else guarded(self.session)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.access_token is None or self.is_token_expired():
            self.obtain_token()
        return super().__call__(request)

    def is_token_expired(self) -> bool:
        """Whether the token is too old."""
        return bool(datetime.now(timezone.utc) >= self.token_expiry)

    def obtain_token(self) -> None:
        """Asks for a token."""
        response = self.session.post(self.access_token_url, **self.build_access_token_request())
        raise_for_status(response)
        answer = response.json()
        self.access_token = self.parse_access_token(answer)
        seconds = self.parse_expiration_in_seconds(answer)
        self.token_expiry = datetime.now(timezone.utc) + timedelta(seconds=seconds)

    def build_access_token_request(self) -> Dict[str, Any]:
        """The arguments of the request for a token."""
        return {
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "data": {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "grant_type": "client_credentials",
                **self.access_token_request_data,
            },
        }

    def parse_expiration_in_seconds(self, response_json: Any) -> int:
        """How long the token is good for."""
        return int(response_json.get("expires_in", self.default_token_expiration))

    def parse_access_token(self, response_json: Any) -> str:
        """The token of an answer."""
        return _token_of(response_json)


def _token_of(answer: Any) -> str:
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if token is None:
        raise RESTClientException("the answer to the request for a token has no `access_token`")
    return str(token)


@configspec
class OAuthJWTAuth(BearerTokenAuth):
    """A token that is given for a signed statement."""

    token: Annotated[Optional[TSecretStrValue], NotResolved()] = None  # type: ignore[assignment]
    client_id: str = None  # type: ignore[assignment] # noqa: RUF013
    private_key: TSecretStrValue = None  # type: ignore[assignment]
    auth_endpoint: str = None  # type: ignore[assignment] # noqa: RUF013
    scopes: Optional[Union[str, List[str]]] = None
    headers: Optional[Dict[str, str]] = None
    private_key_passphrase: Optional[TSecretStrValue] = None
    default_token_expiration: int = 3600
    session: Annotated[requests.Session, NotResolved()] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.scopes is not None and not isinstance(self.scopes, str):
            self.scopes = " ".join(self.scopes)
        self.token_expiry: Any = None
        self.session = _default_session() if self.session is None else guarded(self.session)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        if self.token is None or self.is_token_expired():
            self.obtain_token()
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r

    def is_token_expired(self) -> bool:
        """Whether the token is too old."""
        return self.token_expiry is None or bool(datetime.now(timezone.utc) >= self.token_expiry)

    def obtain_token(self) -> None:
        """Asks for a token."""
        response = self.session.post(
            self.auth_endpoint,
            headers=self.headers,
            data={
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": self._signed(self.create_jwt_payload()),
            },
        )
        raise_for_status(response)
        answer = response.json()
        self.token = _token_of(answer)
        seconds = int(answer.get("expires_in", self.default_token_expiration))
        self.token_expiry = datetime.now(timezone.utc) + timedelta(seconds=seconds)

    def create_jwt_payload(self) -> Dict[str, Union[str, int]]:
        """What is stated."""
        now = math.floor(time.time())
        payload: Dict[str, Union[str, int]] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.auth_endpoint,
            "exp": now + _JWT_SECONDS,
            "iat": now,
        }
        if self.scopes:
            payload["scope"] = str(self.scopes)
        return payload

    def load_private_key(self) -> "PrivateKeyTypes":
        """The key that signs."""
        try:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        except ImportError as cause:
            from windlass.common.exceptions import MissingDependencyException

            raise MissingDependencyException(
                "OAuthJWTAuth", ["cryptography"], msg="OAuthJWTAuth signs by the library: pip install cryptography"
            ) from cause
        password = self.private_key_passphrase.encode() if self.private_key_passphrase else None
        return load_pem_private_key(self.private_key.encode(), password)

    def _signed(self, payload: Dict[str, Any]) -> str:
        key: Any = self.load_private_key()
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        text = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, payload))
        return f"{text}.{_base64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
