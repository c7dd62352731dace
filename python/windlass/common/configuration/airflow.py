"""Settings in Airflow: one Variable that holds what would stand in `secrets.toml`."""

import os
import sys
import time
from typing import Any, Dict, List, Optional, Tuple

from windlass.common.configuration.coerce import coerce

#: The Variable, which is the reference's.
SECRETS_VARIABLE = "dlt_secrets_toml"
#: Seconds for which the Variable is not asked for again.
_FRESH_SECONDS = 30.0


class AirflowSecretsProvider:
    """What stands in the Variable `dlt_secrets_toml`. Outside of Airflow it is empty."""

    name = "Airflow Secrets TOML Provider"
    supports_secrets = True
    is_writable = False

    def __init__(self) -> None:
        self._values: Dict[str, Any] = {}
        self._asked: Optional[Tuple[int, float]] = None

    def key_of(self, path: Tuple[str, ...]) -> str:
        """The name of a setting in reports."""
        return ".".join(path)

    def get(self, path: Tuple[str, ...]) -> Optional[Any]:
        """The value at a path."""
        values: Any = self._load()
        for key in path:
            if not isinstance(values, dict) or key not in values:
                return None
            values = values[key]
        return values

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at: no Airflow runs, or it has no such Variable."""
        return "airflow" not in sys.modules or not self._load()

    @property
    def locations(self) -> Tuple[List[str], List[str]]:
        """Files that were read, and those that were looked for: none."""
        return [], []

    def forget(self) -> None:
        """Asks for the Variable again at the next look."""
        self._asked = None

    def _load(self) -> Dict[str, Any]:
        # Workers are forked: what the parent read belongs to another task.
        if self._asked is not None:
            process, when = self._asked
            if process == os.getpid() and time.monotonic() - when < _FRESH_SECONDS:
                return self._values
        self._values = {}
        # Reading a Variable may ask for settings itself.
        self._asked = (os.getpid(), time.monotonic())
        text = _variable(SECRETS_VARIABLE) if _is_enabled() else None
        if text:
            from windlass._native import native

            self._values = native().parse_toml(text, f"the Airflow Variable {SECRETS_VARIABLE}")
        return self._values


def _is_enabled() -> bool:
    """Whether the Variable may be read: `providers.enable_airflow_secrets` of the files and the environment."""
    from windlass.common.configuration.providers import PROVIDERS

    for provider in (PROVIDERS.environ, PROVIDERS.config):
        value = provider.get(("providers", "enable_airflow_secrets"))
        if value is not None:
            return bool(coerce("enable_airflow_secrets", value, bool))
    return True


def _variable(name: str) -> Optional[str]:
    """The value of a Variable; `None` if there is none, or if no Airflow is there to be asked."""
    import logging

    quiet = logging.getLogger("airflow")
    level = quiet.level
    try:
        quiet.setLevel(logging.ERROR)
        try:
            from airflow.sdk import Variable  # type: ignore

            value = Variable.get(name, default=None)
        except ImportError:
            from airflow.models import Variable  # type: ignore

            value = Variable.get(name, default_var=None)
    except Exception:
        # Neither a database nor a supervisor answers: a script that only imports Airflow has none.
        return None
    finally:
        quiet.setLevel(level)
    return None if value is None else str(value)
