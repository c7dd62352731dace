"""The database of a source: how the engine reaches it, and how SQLAlchemy does."""

import json
from typing import Any, Callable, Dict, Optional

from windlass._native import native
from windlass.common.exceptions import MissingDependencyException


def sqlalchemy() -> Any:
    """The library. Raises `MissingDependencyException`, which says what needs it."""
    try:
        import sqlalchemy
    except ImportError as cause:
        raise MissingDependencyException(
            "sql_database",
            ["sqlalchemy"],
            msg="SQLAlchemy is needed for callbacks, engines, metadata, and databases that windlass has no client for: "
            "`pip install sqlalchemy`. Tables of PostgreSQL, MySQL, MariaDB, SQLite and DuckDB are read without it",
        ) from cause
    return sqlalchemy


def is_engine(value: Any) -> bool:
    """Whether this is an engine of SQLAlchemy."""
    return hasattr(value, "dialect") and hasattr(value, "url") and hasattr(value, "connect")


class Connection:
    """A database, by URL, by parts, or by an engine that somebody made."""

    def __init__(
        self,
        credentials: Any,
        engine_kwargs: Optional[Dict[str, Any]] = None,
        adapter: Optional[Callable[[Any], Any]] = None,
    ) -> None:
        self._given = credentials
        self._engine_kwargs = engine_kwargs or {}
        self._adapter = adapter
        self._engine: Any = None
        self._is_own = False
        #: The credentials as the engine takes them; `None` where only SQLAlchemy reaches the database.
        self.native: Optional[str] = None
        if is_engine(credentials):
            url = credentials.url
            if url.get_backend_name() in ("sqlite", "duckdb") and url.database in (None, "", ":memory:"):
                return
            given: Any = url.render_as_string(hide_password=False)
        elif isinstance(credentials, (str, dict)):
            given = credentials
        elif hasattr(credentials, "render_as_string"):
            given = credentials.render_as_string(hide_password=False)
        elif hasattr(credentials, "to_native_representation"):
            given = credentials.to_native_representation()
        else:
            raise ValueError(
                f"credentials of type `{type(credentials).__name__}` name no database: give a URL such as "
                "postgresql://user:password@host/database, its parts, or an engine of SQLAlchemy"
            )
        self._parts = given
        text = json.dumps(given)
        try:
            native().sql_location(text)
            self.native = text
        except native().EngineError as cause:
            if cause.kind != "unsupported" and not is_engine(credentials):
                raise

    @property
    def has_engine(self) -> bool:
        """Whether somebody made an engine, or wants it changed."""
        return is_engine(self._given) or self._adapter is not None

    def engine(self) -> Any:
        """SQLAlchemy's engine; one that was given is used as it is."""
        if self._engine is None:
            alchemy = sqlalchemy()
            if is_engine(self._given):
                self._engine = self._given
            else:
                parts = self._parts
                if isinstance(parts, dict):
                    parts = alchemy.engine.URL.create(**parts)
                self._engine = alchemy.create_engine(parts, **self._engine_kwargs)
                self._is_own = True
            if self._adapter is not None:
                self._engine = self._adapter(self._engine) or self._engine
        return self._engine

    def dispose(self) -> None:
        """Closes what was opened here."""
        if self._engine is not None and self._is_own:
            self._engine.dispose()
            self._engine = None


def engine_from_credentials(credentials: Any, may_dispose_after_use: bool = False, **backend_kwargs: Any) -> Any:
    """An engine of SQLAlchemy for credentials; an engine is given back as it is."""
    return Connection(credentials, backend_kwargs).engine()
