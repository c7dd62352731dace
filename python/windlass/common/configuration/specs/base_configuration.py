"""Classes of settings: their fields are filled in from the settings, one by one or from one text."""

import copy
import dataclasses
import functools
import json
import typing
from collections.abc import MutableMapping as _MutableMapping
from typing import Any, ClassVar, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple, Type, TypeVar

from windlass.common.configuration.coerce import inner_type, is_optional
from windlass.common.masking import learn
from windlass.common.typing import is_secret_hint

TConfiguration = TypeVar("TConfiguration", bound="BaseConfiguration")


def configspec(cls: Any = None, init: bool = True, **_: Any) -> Any:
    """Makes a class of settings: its annotated names become fields, with `None` where no default is given."""

    def decorate(kind: Any) -> Any:
        import inspect

        if not issubclass(kind, BaseConfiguration):
            # Any class can hold settings; its own bases come first.
            kind = type(kind.__name__, (kind, BaseConfiguration), {**_namespace(kind)})
        for name, hint in list(inspect.get_annotations(kind).items()):
            if typing.get_origin(hint) is ClassVar or str(hint).startswith(("ClassVar", "typing.ClassVar")):
                continue
            value = kind.__dict__.get(name)
            if isinstance(value, (list, dict, set, BaseConfiguration)):
                setattr(kind, name, dataclasses.field(default_factory=functools.partial(copy.copy, value)))
            elif name not in kind.__dict__:
                setattr(kind, name, None)
        return dataclasses.dataclass(repr=False, eq=False, init=init)(kind)

    return decorate if cls is None else decorate(cls)


def _namespace(kind: Any) -> Dict[str, Any]:
    return {key: value for key, value in vars(kind).items() if key not in ("__dict__", "__weakref__")}


def _is_secret(hint: Any) -> bool:
    return is_secret_hint(hint) or any(_is_secret(inner) for inner in typing.get_args(hint))


@functools.lru_cache(maxsize=None)
def _secret_names(kind: Any) -> FrozenSet[str]:
    """The fields of a class that are secret by their types."""
    return frozenset(name for name, hint in kind._hints().items() if _is_secret(hint))


class NotResolved:
    """Marks a field (in `Annotated`) that is never looked up."""

    def __init__(self, not_resolved: bool = True) -> None:
        self.not_resolved = not_resolved


def _is_looked_up(hint: Any) -> bool:
    return not any(isinstance(mark, NotResolved) and mark.not_resolved for mark in getattr(hint, "__metadata__", ()))


@dataclasses.dataclass(repr=False, eq=False)
class BaseConfiguration(_MutableMapping):  # type: ignore[type-arg]
    """Settings whose fields are found by name. It is a dictionary of its fields as well."""

    #: The section in which the fields are looked for.
    __section__: ClassVar[Optional[str]] = None
    __recommended_sections__: ClassVar[Sequence[str]] = ()

    @classmethod
    def get_resolvable_fields(cls) -> Dict[str, Any]:
        """The fields that are looked up, with their types."""
        hints = cls._hints()
        names = [field.name for field in dataclasses.fields(cls) if field.init or field.name in hints]
        found = {name: hints.get(name, Any) for name in names if not name.startswith("_")}
        return {name: hint for name, hint in found.items() if _is_looked_up(hint)}

    @classmethod
    def _hints(cls) -> Dict[str, Any]:
        import inspect

        try:
            return typing.get_type_hints(cls, include_extras=True)
        except (NameError, TypeError):
            # Types that are known to type checkers only.
            found: Dict[str, Any] = {}
            for kind in reversed(cls.__mro__):
                found.update(inspect.get_annotations(kind))
            return {name: Any if isinstance(hint, str) else hint for name, hint in found.items()}

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a field. What is secret is remembered, so that it is printed nowhere."""
        object.__setattr__(self, name, value)
        if isinstance(value, str) and name in _secret_names(type(self)):
            learn(value)

    def __bool__(self) -> bool:
        """It is true, however many fields it has."""
        return True

    def __repr__(self) -> str:
        # Values may be secrets.
        return f"<{type(self).__module__}.{type(self).__qualname__} object at {id(self):#x}>"

    @classmethod
    def from_init_value(cls: Type[TConfiguration], init_value: Any = None) -> TConfiguration:
        """Settings of an instance, a dictionary of fields, or a text."""
        if isinstance(init_value, cls):
            return init_value
        made = cls()
        if init_value is None:
            return made
        if isinstance(init_value, dict):
            made.update(init_value)
        else:
            made.parse_native_representation(init_value)
        if not made.is_partial():
            made.resolve()
        return made

    @classmethod
    def resolve_fields(cls: Type[TConfiguration], sections: Sequence[str], name: str) -> Optional[TConfiguration]:
        """Settings whose fields stand below `name`; `None` if there is none of them."""
        from windlass.common.configuration.exceptions import ConfigFieldMissingException
        from windlass.common.configuration.specs.resolving import resolve_configuration

        made = cls()
        before = dict(made)
        try:
            resolve_configuration(made, sections=sections, embedded=(name,))
        except ConfigFieldMissingException:
            if dict(made) == before:
                return None
            raise
        return made if made.is_resolved() else None

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the fields from one value. Raises `NotImplementedError` where there is no such form."""
        raise NotImplementedError(f"{type(self).__name__} has no form as one value: give its fields")

    def to_native_representation(self) -> Any:
        """The fields as one value."""
        raise NotImplementedError(f"{type(self).__name__} has no form as one value")

    def resolve(self) -> None:
        """Notes that the fields are filled in, and lets each class of its line check them."""
        self.call_method_in_mro(self, "on_resolved")
        self.__dict__["__is_resolved__"] = True

    def missing_fields(self) -> List[str]:
        """Fields that must have a value and have none."""
        hints = self.get_resolvable_fields()
        return [name for name, hint in hints.items() if getattr(self, name, None) is None and not is_optional(hint)]

    def resolve_in(self, sections: Sequence[str], embedded: Sequence[str], given: Sequence[str]) -> "BaseConfiguration":
        """Looks up the fields that are not among those that were `given`.

        Raises `ConfigFieldMissingException` for those that are nowhere.
        """
        from windlass.common.configuration.resolve import Missing, lookup, missing_error, resolve
        from windlass.common.typing import is_secret_hint

        if embedded and not given:
            native, _ = lookup(embedded[-1], sections, embedded[:-1], is_secret=True)
            if isinstance(native, str):
                self.parse_native_representation(native)
                given = [name for name in self._names() if getattr(self, name, None) is not None]
        missing: List[Any] = []
        resolved: List[str] = []
        for name, hint in self.get_resolvable_fields().items():
            known = getattr(self, name, None)
            if name in given and known is not None:
                continue
            value, traces = resolve(name, sections, hint, embedded, is_secret=is_secret_hint(hint))
            if value is not None:
                setattr(self, name, value)
                resolved.append(name)
            elif known is None and not is_optional(hint):
                missing.append(Missing(name, _once(traces)))
        if missing:
            raise missing_error(type(self).__name__, missing, resolved)
        self.resolve()
        return self

    @staticmethod
    def call_method_in_mro(config: Any, method_name: str) -> None:
        """Calls a method of each class of the line that has it, the most general first."""
        for kind in reversed(type(config).__mro__):
            method = vars(kind).get(method_name)
            if method is not None:
                method(config)

    def is_resolved(self) -> bool:
        """Whether the fields were filled in."""
        return bool(self.__dict__.get("__is_resolved__"))

    def is_partial(self) -> bool:
        """Whether a field that is needed has no value."""
        return any(
            getattr(self, name) is None and not is_optional(hint) for name, hint in self.get_resolvable_fields().items()
        )

    @staticmethod
    def is_field_resolved(value: Any, hint: Any) -> bool:
        """Whether a value is one for a field."""
        return value is not None or is_optional(hint)

    def as_dict_nondefault(self) -> Dict[str, Any]:
        """The fields that differ from their defaults."""
        defaults = {field.name: _default_of(field) for field in dataclasses.fields(self)}
        return {name: value for name, value in self.items() if value != defaults.get(name)}

    def copy(self: TConfiguration) -> TConfiguration:
        """A copy; dictionaries and lists in it stay the same."""
        return copy.copy(self)

    # -- as a dictionary of its fields

    def __getitem__(self, key: str) -> Any:
        if key not in self._names():
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self._names():
            raise KeyError(key)
        setattr(self, key, value)

    def __delitem__(self, key: str) -> None:
        raise KeyError("fields of settings cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> List[str]:
        return [field.name for field in dataclasses.fields(self) if not field.name.startswith("_")]

    def update(self, other: Any = (), /, **kwds: Any) -> None:  # type: ignore[override]
        """Takes the fields of a dictionary."""
        for key, value in dict(other, **kwds).items():
            self[key] = value


def _default_of(field: Any) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def _once(traces: List[Any]) -> List[Any]:
    """The places that were looked at, each once."""
    seen: Dict[Tuple[str, str], Any] = {}
    for trace in traces:
        seen.setdefault((trace.provider_name, trace.key), trace)
    return list(seen.values())


@configspec
class CredentialsConfiguration(BaseConfiguration):
    """What lets one in. Its text form never shows secrets."""

    __section__: ClassVar[Optional[str]] = "credentials"

    def to_native_credentials(self) -> Any:
        """The credentials as libraries take them."""
        return self.to_native_representation()

    def __str__(self) -> str:
        return f"<{type(self).__name__}>"


class CredentialsWithDefault:
    """Credentials that the machine may have by itself."""

    def has_default_credentials(self) -> bool:
        """Whether those of the machine are taken."""
        return bool(self.__dict__.get("_uses_default"))

    def default_credentials(self) -> Any:
        """Those of the machine: libraries find them themselves."""
        return None

    def on_partial(self) -> None:
        """Takes those of the machine where fields are missing."""
        self.__dict__["_uses_default"] = True
        self.__dict__["__is_resolved__"] = True


@configspec
class ContainerInjectableContext(BaseConfiguration):
    """What the reference keeps in its container; here it is passed as an argument."""


@configspec
class ConfigSectionContext(ContainerInjectableContext):
    """The sections in which settings are looked for: `with inject_section(...)`."""

    pipeline_name: Optional[str] = None
    sections: Tuple[str, ...] = ()
    merge_style: Any = None
    source_state_key: Optional[str] = None


@configspec
class RuntimeConfiguration(BaseConfiguration):
    """Settings of the run time: `runtime` in the settings."""

    __section__: ClassVar[Optional[str]] = "runtime"

    pipeline_name: Optional[str] = None
    slack_incoming_hook: Optional[str] = None
    dlthub_telemetry: bool = False
    log_format: str = "{asctime}|[{levelname}]|{process}|{thread}|{name}|{filename}|{funcName}:{lineno}|{message}"
    log_level: str = "WARNING"
    request_timeout: float = 60
    request_max_attempts: int = 5
    request_backoff_factor: float = 1
    request_max_retry_delay: float = 300


RunConfiguration = RuntimeConfiguration


def parse_json_fields(config: BaseConfiguration, text: Any, error: Any, what: str) -> Dict[str, Any]:
    """The object of a JSON text. Raises `error` for anything else."""
    value = text
    if isinstance(text, (str, bytes)):
        try:
            value = json.loads(text)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        # The text itself may be a secret, and is not told.
        raise error(type(config), None, msg=f"{what} are given as JSON, or field by field")
    return value




def is_base_configuration_inner_hint(hint: Any) -> bool:
    """Whether a type is a class of settings."""
    hint = inner_type(hint)
    return isinstance(hint, type) and issubclass(hint, BaseConfiguration)
