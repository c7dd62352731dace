"""Names of types that scripts use in annotations."""

from typing import Any, Callable, Dict, List, Mapping, MutableMapping, NewType, Sequence, TypeVar, Union

try:
    from typing import Annotated
except ImportError:  # pragma: no cover
    Annotated = None  # type: ignore

TDataItem = Any
TDataItems = Any
TAnyDateTime = Any
TAny = TypeVar("TAny", bound=Any)
DictStrAny = Dict[str, Any]
StrAny = Mapping[str, Any]
DictStrStr = Dict[str, str]
StrStr = Mapping[str, str]
TTableHintTemplate = Union[Any, Callable[[Any], Any]]
TColumnNames = Union[str, Sequence[str]]
AnyFun = Callable[..., Any]
TFun = TypeVar("TFun", bound=AnyFun)
TSortOrder = str
ListOfDicts = List[DictStrAny]
MutableDict = MutableMapping[str, Any]


StrDict = DictStrAny
CallableAny = AnyFun
TAnyClass = TypeVar("TAnyClass", bound=object)
ConfigValue: None = None
SecretValue: None = None
NoneType = type(None)


class SecretSentinel:
    """Marks a type as secret: values come from secret providers only."""


TSecretValue = Annotated[Any, SecretSentinel]
TSecretStrValue = Annotated[str, SecretSentinel]
TSecureString = NewType("TSecureString", str)


class ConfigValueSentinel:
    """The default of an argument that is to be taken from the configuration."""

    def __init__(self, default_literal: str) -> None:
        self._name = default_literal

    def __repr__(self) -> str:
        return f"ConfigValue({self._name}) awaiting injection"

    __str__ = __repr__


#: The values of `dlt.config.value` and `dlt.secrets.value`.
CONFIG_VALUE = ConfigValueSentinel("dlt.config.value")
SECRETS_VALUE = ConfigValueSentinel("dlt.secrets.value")


def is_secret_hint(hint: Any) -> bool:
    """Whether an annotation says that values are secret."""
    metadata = getattr(hint, "__metadata__", ())
    return SecretSentinel in metadata or hint is TSecureString
