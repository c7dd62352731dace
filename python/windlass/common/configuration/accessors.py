"""`dlt.config` and `dlt.secrets`: settings as dictionaries."""

import contextlib
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.exceptions import DuplicateConfigProviderException
from windlass.common.configuration.providers import PROVIDERS
from windlass.common.configuration.resolve import LookupTrace, Missing, missing_error, search
from windlass.common.masking import is_secret_name, learn
from windlass.common.typing import CONFIG_VALUE, SECRETS_VALUE


class _Accessor:
    """Settings by dotted path."""

    def __init__(self, value: Any, writes_secrets: bool) -> None:
        #: As the default of an argument: it is taken from the settings.
        self.value: Any = value
        self._writes_secrets = writes_secrets

    def _writable(self) -> Any:
        return PROVIDERS.secrets if self._writes_secrets else PROVIDERS.config

    def _find(self, field: str) -> Tuple[Any, List[LookupTrace]]:
        path = field.split(".")
        value, traces = search(path)
        if self._writes_secrets and isinstance(value, str) and is_secret_name(path[-1]):
            learn(value)
        return value, traces

    def __getitem__(self, field: str) -> Any:
        value, traces = self._find(field)
        if value is None:
            raise missing_error("BaseConfiguration", [Missing(field, traces)])
        return _parsed(value)

    def __setitem__(self, field: str, value: Any) -> None:
        self._writable().set(tuple(field.split(".")), value)

    def __contains__(self, field: str) -> bool:
        return self._find(field)[0] is not None

    def get(self, field: str, expected_type: Optional[type] = None) -> Any:
        """The value, in the type that is wanted; `None` if there is none."""
        value, _ = self._find(field)
        if value is None or expected_type is None:
            return None if value is None else _parsed(value)
        return coerce(field, value, expected_type, self._writes_secrets)

    @contextlib.contextmanager
    def values(self, values: Mapping[str, Any]) -> Iterator[None]:
        """Lays values over the settings for a while."""
        import copy

        provider = self._writable()
        before = copy.deepcopy(provider._overlay)
        try:
            for field, value in values.items():
                self[field] = value
            yield
        finally:
            provider._overlay = before

    @property
    def writable_provider(self) -> Any:
        """The provider that takes values."""
        return self._writable()

    @property
    def config_providers(self) -> Any:
        """All providers, in the order in which they are asked."""
        return list(PROVIDERS)

    def register_provider(self, provider: Any) -> None:
        """Adds a provider that is asked last."""
        if any(known.name == provider.name for known in PROVIDERS):
            raise DuplicateConfigProviderException(
                provider.name, msg=f"a provider `{provider.name}` is registered already"
            )
        PROVIDERS.registered.append(provider)


def _parsed(value: Any) -> Any:
    """A text of the environment as the number, list or dict that it is."""
    if not isinstance(value, str):
        return value
    import ast

    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


config = _Accessor(CONFIG_VALUE, writes_secrets=False)
secrets = _Accessor(SECRETS_VALUE, writes_secrets=True)
