"""Credentials of DuckDB: a file and how it is opened."""

import os
from typing import Any, ClassVar, Dict, List, Optional
from urllib.parse import parse_qsl, unquote

from windlass.common.configuration.specs.base_configuration import configspec
from windlass.common.configuration.specs.connection_string_credentials import ConnectionStringCredentials


@configspec(init=False)
class DuckDbCredentials(ConnectionStringCredentials):
    """The path of a file, `duckdb:///path`, or `:memory:`, with options of the connection."""

    drivername: str = "duckdb"
    read_only: bool = False
    extensions: Optional[List[str]] = None
    global_config: Optional[Dict[str, Any]] = None
    pragmas: Optional[List[str]] = None
    statements: Optional[List[str]] = None
    local_config: Optional[Dict[str, Any]] = None
    session_timezone: Optional[str] = "UTC"

    __config_gen_annotations__: ClassVar[List[str]] = ["database"]

    def __init__(
        self,
        conn_or_path: Any = None,
        *,
        read_only: bool = False,
        extensions: Optional[List[str]] = None,
        global_config: Optional[Dict[str, Any]] = None,
        pragmas: Optional[List[str]] = None,
        statements: Optional[List[str]] = None,
        local_config: Optional[Dict[str, Any]] = None,
        session_timezone: Optional[str] = "UTC",
    ) -> None:
        self.read_only = read_only
        self.extensions = extensions
        self.global_config = global_config
        self.pragmas = pragmas
        self.statements = statements
        self.local_config = local_config
        self.session_timezone = session_timezone
        if read_only:
            raise NotImplementedError("DuckDbCredentials(read_only=True): windlass opens a file for reading where it only reads")
        if isinstance(conn_or_path, dict):
            self.update(conn_or_path)
        elif conn_or_path is not None:
            self.parse_native_representation(conn_or_path)

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes a path or a URL."""
        if not isinstance(native_value, (str, os.PathLike)):
            raise NotImplementedError(
                "windlass opens DuckDB files itself, and takes no connection of the package duckdb (yet): give the path of the file"
            )
        text = os.fspath(native_value)
        if text.startswith("duckdb:///"):
            path, _, query = text[len("duckdb:///") :].partition("?")
            self.database = unquote(path)
            self.query = dict(parse_qsl(query))
        else:
            self.database = text

    def to_native_representation(self) -> Any:
        """What the engine takes: the file, and the options that are set."""
        names = ("extensions", "global_config", "pragmas", "statements", "local_config")
        options = {name: self[name] for name in names if self[name]}
        if self.session_timezone != "UTC":
            options["session_timezone"] = self.session_timezone
        return {"database": self.database, **options} if options else self.database

    def is_partial(self) -> bool:
        """A file that is not named has the name of the pipeline."""
        return False

    def __str__(self) -> str:
        return f"duckdb:///{self.database or ''}"
