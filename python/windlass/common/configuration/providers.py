"""Who has settings: the environment, `secrets.toml`, `config.toml`, and what is registered at run time.

The engine reads them and says which value counts; what is here are dlt's names for that, and providers of user code.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from windlass._windlass import Settings

Keys = Tuple[str, ...]

_settings: "Optional[Settings]" = None


def settings() -> "Settings":
    """The engine's settings of this process."""
    global _settings
    if _settings is None:
        from windlass._native import native

        _settings = native().Settings()
    return _settings


def run_dir() -> Path:
    """The folder of the project."""
    return Path(settings().folders()[0])


def global_dir() -> Path:
    """The folder of data and settings of this user. Raises `RuntimeError` if there is no home folder."""
    folder = settings().folders()[1]
    if folder is None:
        raise RuntimeError("there is no home folder: set WINDLASS_DATA_DIR or HOME")
    return Path(folder)


def local_dir() -> Path:
    """The folder that relative paths of databases and buckets are relative to."""
    return Path(settings().folders()[2])


class EnvironProvider:
    """The environment, and files with one secret each in `/run/secrets`."""

    name = "Environment Variables"
    supports_secrets = True
    is_writable = False
    is_empty = False
    locations: Tuple[List[str], List[str]] = ([], [])

    def key_of(self, path: Keys) -> str:
        """The name of the variable of a path."""
        return "__".join(path).upper()

    def get(self, path: Keys) -> Optional[Any]:
        """The value at a path."""
        return settings().variable(path)


class TomlProvider:
    """TOML files of one name, and what a program sets over them; the strongest folder wins key by key."""

    is_writable = True

    def __init__(self, file_name: str, supports_secrets: bool) -> None:
        self.name = file_name
        self.supports_secrets = supports_secrets
        self._overlay: Dict[str, Any] = {}

    def key_of(self, path: Keys) -> str:
        """The name of a path in reports."""
        return ".".join(path)

    def get(self, path: Keys) -> Optional[Any]:
        """The value at a path."""
        found = _lookup(self._overlay, path)
        return settings().file_value(self.supports_secrets, path) if found is None else found

    def set(self, path: Keys, value: Any) -> None:
        """Sets a value over those of the files; a dictionary is merged into one that is there."""
        target = self._overlay
        for key in path[:-1]:
            target = target.setdefault(key, {})
        if isinstance(value, dict) and isinstance(target.get(path[-1]), dict):
            _merge(target[path[-1]], value)
        else:
            target[path[-1]] = value

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        return not self._overlay and settings().is_empty(self.supports_secrets)

    @property
    def locations(self) -> Tuple[List[str], List[str]]:
        """The files that were read, and those that do not exist."""
        present, absent = settings().locations(self.supports_secrets)
        return [str(path) for path in present], [str(path) for path in absent]


def _merge(target: Dict[str, Any], other: Dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _lookup(values: Any, path: Keys) -> Optional[Any]:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return None
        values = values[key]
    return values


class Providers:
    """All providers, in the order in which they are asked."""

    def __init__(self) -> None:
        self.environ = EnvironProvider()
        self.secrets = TomlProvider("secrets.toml", True)
        self.config = TomlProvider("config.toml", False)
        self._airflow: Any = None
        self.registered: List[Any] = []

    def __iter__(self) -> Iterator[Any]:
        yield from (self.environ, self.secrets, self.config)
        # Only a process that imported Airflow can be a task of it.
        if "airflow" in sys.modules:
            yield self.airflow
        yield from self.registered

    @property
    def airflow(self) -> Any:
        """The provider that reads a Variable of Airflow."""
        if self._airflow is None:
            from windlass.common.configuration.airflow import AirflowSecretsProvider

            self._airflow = AirflowSecretsProvider()
        return self._airflow


PROVIDERS = Providers()


def provider_key(provider: Any, path: Sequence[str]) -> str:
    """The name that a provider has for a path; registered providers have dlt's interface."""
    if hasattr(provider, "get_key_name"):
        return str(provider.get_key_name(path[-1], *path[:-1]))
    return str(provider.key_of(tuple(path)))


class CustomLoaderDocProvider:
    """Settings that a function gives as one dictionary: `dlt.config.register_provider(CustomLoaderDocProvider(...))`."""

    is_writable = False

    def __init__(
        self, name: str, loader: Any, supports_secrets: bool = True, locations: Optional[Sequence[str]] = None
    ) -> None:
        self.name = name
        self.supports_secrets = supports_secrets
        self._places = list(locations or [])
        self._values: Dict[str, Any] = loader()

    def key_of(self, path: Keys) -> str:
        return ".".join(path)

    def get_key_name(self, key: str, *sections: str) -> str:
        """The full key."""
        return self.key_of((*sections, key))

    def get(self, path: Keys) -> Optional[Any]:
        return _lookup(self._values, path)

    def get_value(self, key: str, hint: Any, pipeline_name: Optional[str], *sections: str) -> Tuple[Optional[Any], str]:
        """The value at a key, and the full key."""
        path = tuple(part for part in (pipeline_name, *sections, key) if part)
        return self.get(path), self.key_of(path)

    def to_toml(self) -> str:
        """Not there: TOML is read only."""
        raise NotImplementedError("windlass writes no TOML (yet)")

    @property
    def is_empty(self) -> bool:
        return not self._values

    @property
    def locations(self) -> Tuple[List[str], List[str]]:
        return self._places, []


class DictionaryProvider(CustomLoaderDocProvider):
    """Settings of a dictionary that a program changes."""

    def __init__(self) -> None:
        super().__init__("Dictionary Provider", dict)

    def set_value(self, key: str, value: Any, pipeline_name: Optional[str], *sections: str) -> None:
        """Sets the value at a key."""
        target = self._values
        for part in (pipeline_name, *sections):
            if part:
                target = target.setdefault(part, {})
        target[key] = value
