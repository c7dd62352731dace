"""Where settings come from: the environment, `secrets.toml`, `config.toml`, and what is registered at run time."""

import os
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

Keys = Tuple[str, ...]

#: Folders of settings, the strongest first. The second is the reference's.
FOLDERS = (".windlass", ".dlt")


def run_dir() -> Path:
    """The folder of the project."""
    return Path(os.environ.get("DLT_PROJECT_DIR") or os.getcwd())


def global_dir() -> Path:
    """The folder of data and settings of this user."""
    for name in ("WINDLASS_DATA_DIR", "DLT_DATA_DIR"):
        if os.environ.get(name):
            return Path(os.environ[name])
    return Path.home() / ".windlass"


def local_dir() -> Path:
    """The folder that relative paths of databases and buckets are relative to."""
    return Path(os.environ.get("DLT_LOCAL_DIR") or run_dir())


def settings_folders() -> List[Path]:
    """Folders in which settings are looked for, the strongest first."""
    own = os.environ.get("DLT_CONFIG_FOLDER")
    names = (own,) if own else FOLDERS
    folders = [run_dir() / name for name in names]
    home = Path.home()
    folders += [global_dir(), *(home / name for name in FOLDERS)]
    unique: List[Path] = []
    for folder in folders:
        if folder not in unique:
            unique.append(folder)
    return unique


class EnvironProvider:
    """The environment, and files of secrets in `/run/secrets`."""

    name = "Environment Variables"
    supports_secrets = True
    is_writable = False

    def key_of(self, path: Keys) -> str:
        return "__".join(path).upper()

    def get(self, path: Keys) -> Optional[Any]:
        key = self.key_of(path)
        if key in os.environ:
            return os.environ[key]
        secret = Path("/run/secrets") / key.lower().replace("_", "-")
        try:
            if secret.is_dir():
                secret = secret / secret.name
            return secret.read_text().strip() if secret.is_file() else None
        except OSError:
            return None

    @property
    def is_empty(self) -> bool:
        return False

    @property
    def locations(self) -> Tuple[List[str], List[str]]:
        return [], []


class TomlProvider:
    """TOML files of one name; the strongest folder wins key by key."""

    is_writable = True

    def __init__(self, file_name: str, supports_secrets: bool) -> None:
        self.name = file_name
        self.supports_secrets = supports_secrets
        self._lock = threading.Lock()
        self._stamp: Any = None
        self._values: Dict[str, Any] = {}
        self._overlay: Dict[str, Any] = {}
        self._present: List[str] = []
        self._absent: List[str] = []

    def key_of(self, path: Keys) -> str:
        return ".".join(path)

    def _load(self) -> None:
        paths = [folder / self.name for folder in settings_folders()]
        stamp = tuple((str(path), _modified(path)) for path in paths)
        with self._lock:
            if stamp == self._stamp:
                return
            from windlass._native import native

            values: Dict[str, Any] = {}
            self._present, self._absent = [], []
            for path in reversed(paths):
                if _modified(path) is None:
                    self._absent.insert(0, str(path))
                    continue
                self._present.insert(0, str(path))
                _merge(values, native().parse_toml(path.read_text(encoding="utf-8"), str(path)))
            self._values = values
            self._stamp = stamp

    def get(self, path: Keys) -> Optional[Any]:
        found = _lookup(self._overlay, path)
        if found is not None:
            return found
        self._load()
        return _lookup(self._values, path)

    def set(self, path: Keys, value: Any) -> None:
        target = self._overlay
        for key in path[:-1]:
            target = target.setdefault(key, {})
        if isinstance(value, dict) and isinstance(target.get(path[-1]), dict):
            _merge(target[path[-1]], value)
        else:
            target[path[-1]] = value

    @property
    def is_empty(self) -> bool:
        self._load()
        return not self._values and not self._overlay

    @property
    def locations(self) -> Tuple[List[str], List[str]]:
        self._load()
        return self._present, self._absent


def _modified(path: Path) -> Optional[float]:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


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


def provider_value(provider: Any, path: Sequence[str]) -> Optional[Any]:
    """What a provider has at a path; registered providers have the reference's interface."""
    if hasattr(provider, "get_value"):
        value, _ = provider.get_value(path[-1], object, "", *path[:-1])
        return value
    return provider.get(tuple(path))


def provider_key(provider: Any, path: Sequence[str]) -> str:
    """The name that a provider has for a path."""
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
