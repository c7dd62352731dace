"""Credentials of sources."""

from typing import Any, Dict, Optional


class ConnectionStringCredentials:
    """Where a database is and who connects: a URL, or its parts."""

    def __init__(self, connection_string: Any = None, **parts: Any) -> None:
        self.drivername: Optional[str] = None
        self.database: Optional[str] = None
        self.username: Optional[str] = None
        self.password: Optional[str] = None
        self.host: Optional[str] = None
        self.port: Optional[int] = None
        self.query: Optional[Dict[str, Any]] = None
        self._url: Optional[str] = None
        if isinstance(connection_string, dict):
            parts = {**connection_string, **parts}
        elif connection_string is not None:
            self.parse_native_representation(connection_string)
        for name, value in parts.items():
            if name not in self._parts():
                raise TypeError(f"credentials of a database have no `{name}`: they have {', '.join(self._parts())}")
            setattr(self, name, value)
            self._url = None

    def _parts(self) -> Dict[str, Any]:
        return {
            "drivername": self.drivername,
            "database": self.database,
            "username": self.username,
            "password": self.password,
            "host": self.host,
            "port": self.port,
            "query": self.query,
        }

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes a URL."""
        if not isinstance(native_value, str):
            raise ValueError("a connection string is a text such as postgresql://user:password@host/database")
        from windlass._native import native

        # The parts are the engine's: it reads URLs as SQLAlchemy does.
        parts = native().sql_url_parts(native_value)
        self._url = native_value.strip()
        import json

        for name, value in json.loads(parts).items():
            setattr(self, name, value)

    def credentials(self) -> Any:
        """The URL as it was given, or the parts."""
        if self._url is not None:
            return self._url
        return {name: value for name, value in self._parts().items() if value not in (None, {})}

    def to_url(self) -> Any:
        """The URL as SQLAlchemy has it."""
        from sqlalchemy.engine import URL

        parts = self._parts()
        return URL.create(**{**parts, "query": parts["query"] or {}})

    def to_native_representation(self) -> str:
        """The URL with the password."""
        return self._url or str(self.to_url().render_as_string(hide_password=False))

    def __repr__(self) -> str:
        place = f"{self.host or ''}{f':{self.port}' if self.port else ''}/{self.database or ''}"
        return f"{self.drivername}://{f'{self.username}:***@' if self.username else ''}{place}"

    __str__ = __repr__


__all__ = ["ConnectionStringCredentials"]
