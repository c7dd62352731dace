"""Credentials of PostgreSQL."""

from typing import Any, Dict, Optional

from windlass.common.configuration.specs.base_configuration import configspec
from windlass.common.configuration.specs.connection_string_credentials import ConnectionStringCredentials
from windlass.common.typing import TSecretStrValue


@configspec(init=False)
class PostgresCredentials(ConnectionStringCredentials):
    """`postgresql://user:password@host:port/database`, or its parts."""

    drivername: str = "postgresql"
    database: str = None  # type: ignore[assignment]
    username: str = None  # type: ignore[assignment]
    password: TSecretStrValue = None  # type: ignore[assignment]
    host: str = None  # type: ignore[assignment]
    port: Optional[int] = 5432
    connect_timeout: int = 15

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes a URL; the time to wait for a connection is one of its options."""
        super().parse_native_representation(native_value)
        self.connect_timeout = int((self.query or {}).get("connect_timeout", self.connect_timeout))

    def get_query(self) -> Dict[str, Any]:
        """The options of the URL."""
        return {**super().get_query(), "connect_timeout": self.connect_timeout}
