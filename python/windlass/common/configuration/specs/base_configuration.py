"""Classes whose fields are settings: those that are not given are looked up."""

import dataclasses
import inspect
import typing
from collections.abc import MutableMapping
from typing import Any, ClassVar, Dict, Iterator, List, Sequence, Tuple

from windlass.common.configuration.coerce import is_optional
from windlass.common.configuration.resolve import Missing, lookup, missing_error, resolve
from windlass.common.typing import is_secret_hint


class NotResolved:
    """Marks a field (in `Annotated`) that is never looked up."""

    def __init__(self, not_resolved: bool = True) -> None:
        self.not_resolved = not_resolved


def _is_field(hint: Any) -> bool:
    if typing.get_origin(hint) is ClassVar:
        return False
    return not any(isinstance(mark, NotResolved) and mark.not_resolved for mark in getattr(hint, "__metadata__", ()))


class BaseConfiguration(MutableMapping):  # type: ignore[type-arg]
    """Settings by attribute and by key. It is true, however many fields it has."""

    def __bool__(self) -> bool:
        return True

    @classmethod
    def get_resolvable_fields(cls) -> Dict[str, Any]:
        """The types of the fields that are looked up."""
        return {name: hint for name, hint in cls._hints().items() if _is_field(hint) and not name.startswith("__")}

    @classmethod
    def _hints(cls) -> Dict[str, Any]:
        try:
            return typing.get_type_hints(cls, include_extras=True)
        except (NameError, TypeError):
            # Types that are known to type checkers only.
            found: Dict[str, Any] = {}
            for kind in reversed(cls.__mro__):
                found.update(inspect.get_annotations(kind))
            return {name: Any if isinstance(hint, str) else hint for name, hint in found.items()}

    def _names(self) -> List[str]:
        return [field.name for field in dataclasses.fields(self)] if dataclasses.is_dataclass(self) else list(vars(self))

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

    def __repr__(self) -> str:
        # Values may be secrets.
        return f"<{type(self).__module__}.{type(self).__qualname__} object at {id(self):#x}>"

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Any:
        """The same settings in an object of their own."""
        import copy

        return copy.copy(self)

    # -- looking up

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the fields from one value, where the class knows how."""
        raise ValueError(f"{type(self).__name__} cannot be made of a {type(native_value).__name__}")

    def on_resolved(self) -> None:
        """Called when all fields are known."""

    def missing_fields(self) -> List[str]:
        """Fields that must have a value and have none."""
        hints = self.get_resolvable_fields()
        return [name for name, hint in hints.items() if getattr(self, name, None) is None and not is_optional(hint)]

    def is_resolved(self) -> bool:
        """Whether all fields are known."""
        return not self.missing_fields()

    def resolve_in(self, sections: Sequence[str], embedded: Sequence[str], given: Sequence[str]) -> "BaseConfiguration":
        """Looks up the fields that are not among those that were `given`.

        Raises `ConfigFieldMissingException` for those that are nowhere.
        """
        if embedded and not given:
            native, _ = lookup(embedded[-1], sections, embedded[:-1], is_secret=True)
            if isinstance(native, str):
                self.parse_native_representation(native)
                given = [name for name in self._names() if getattr(self, name, None) is not None]
        missing: List[Missing] = []
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
        self.on_resolved()
        return self

    @classmethod
    def resolve_fields(cls, sections: Sequence[str], name: str) -> Any:
        """An instance whose fields are settings below `name`; `None` if none of them is set."""
        instance = cls()
        hints = cls.get_resolvable_fields()
        if not any(lookup(field, sections, (name,))[0] is not None for field in hints):
            return None
        return instance.resolve_in(sections, (name,), ())


def _once(traces: List[Any]) -> List[Any]:
    """The places that were looked at, each once."""
    seen: Dict[Tuple[str, str], Any] = {}
    for trace in traces:
        seen.setdefault((trace.provider_name, trace.key), trace)
    return list(seen.values())


class CredentialsConfiguration(BaseConfiguration):
    """Settings that are secrets."""

    def to_native_representation(self) -> Any:
        """One value that holds all fields."""
        raise ValueError(f"{type(self).__name__} has no form that is one value")

    def to_native_credentials(self) -> Any:
        """What the library that is used wants."""
        return self
