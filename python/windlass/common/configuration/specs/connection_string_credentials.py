"""Credentials that are one URL."""

from typing import Any, ClassVar, Dict, List, Optional
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from windlass.common.configuration.specs.base_configuration import CredentialsConfiguration, configspec
from windlass.common.configuration.specs.exceptions import InvalidConnectionString
from windlass.common.masking import learn_setting
from windlass.common.typing import TSecretStrValue


@configspec
class ConnectionStringCredentials(CredentialsConfiguration):
    """`driver://username:password@host:port/database?option=value`, or its parts."""

    drivername: str = None  # type: ignore[assignment]
    database: Optional[str] = None
    password: Optional[TSecretStrValue] = None
    username: Optional[str] = None
    host: Optional[str] = None
    port: Optional[int] = None
    query: Optional[Dict[str, Any]] = None

    __config_gen_annotations__: ClassVar[List[str]] = ["database", "port", "username", "password", "host"]

    def __init__(self, connection_string: Any = None) -> None:
        if isinstance(connection_string, dict):
            self.update(connection_string)
        elif connection_string is not None:
            self.parse_native_representation(connection_string)

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the parts of a URL."""
        try:
            text = str(native_value) if native_value is not None else ""
            if hasattr(native_value, "render_as_string"):
                text = native_value.render_as_string(hide_password=False)
            learn_setting("credentials", text)
            parts = urlsplit(text)
            if "://" not in text or not parts.scheme:
                raise ValueError(text)
            self.drivername = parts.scheme
            self.username = unquote(parts.username) if parts.username else self.username
            self.password = unquote(parts.password) if parts.password is not None else self.password
            self.host = parts.hostname or self.host
            self.port = parts.port if parts.port is not None else self.port
            database = parts.path[1:] if parts.path.startswith("/") else parts.path
            self.database = unquote(database) or self.database
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            self.query = query or self.query
        except ValueError:
            # The text may hold a password, and is not told.
            raise InvalidConnectionString(
                type(self),
                None,
                self.drivername,
                msg=f"The expected representation for `{type(self).__name__}` is a standard database connection string "
                "with the following format: `driver://username:password@host:port/database`.",
            ) from None

    def on_resolved(self) -> None:
        """Spaces around a password come from files."""
        if self.password:
            self.password = str(self.password).strip()

    def get_query(self) -> Dict[str, Any]:
        """The options of the URL."""
        return dict(self.query or {})

    def _url(self, password: Optional[str], with_query: bool = True) -> str:
        text = f"{self.drivername}://"
        if self.username is not None:
            text += quote(self.username, safe="")
            if password is not None:
                text += f":{password}"
            text += "@"
        text += self.host or ""
        if self.port is not None:
            text += f":{self.port}"
        if self.database:
            text += f"/{self.database}"
        query = self.get_query() if with_query else {}
        return text + (f"?{urlencode(query)}" if query else "")

    def to_native_representation(self) -> str:
        """The URL, with its password."""
        return self._url(None if self.password is None else quote(str(self.password), safe=""))

    def to_url(self) -> Any:
        """The URL as SQLAlchemy has it."""
        from sqlalchemy.engine import make_url  # type: ignore

        return make_url(self.to_native_representation())

    def data_location(self) -> str:
        """Where the data is, without secrets."""
        return f"{self.drivername}://{self.host or ''}{f':{self.port}' if self.port else ''}"

    def __str__(self) -> str:
        return self._url(None if self.password is None else "***", with_query=False)
