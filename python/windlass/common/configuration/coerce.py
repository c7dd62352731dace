"""From the text of a setting to the type that is wanted."""

import ast
import collections.abc
import enum
import json
import typing
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Sequence, Tuple, Union

from windlass.common.configuration.exceptions import ConfigValueCannotBeCoercedException
from windlass.common.exceptions import ValueErrorWithKnownValues, nearest_first
from windlass.common.masking import is_secret_name, masked

_TRUE = {"yes", "true", "t", "y", "1"}
_FALSE = {"no", "false", "f", "n", "0"}


def inner_type(hint: Any) -> Any:
    """A type without `Optional`, `Annotated` and new names."""
    while True:
        if hasattr(hint, "__metadata__"):
            hint = hint.__origin__
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif is_union(hint):
            rest = [arg for arg in typing.get_args(hint) if arg is not type(None)]
            if len(rest) != 1:
                return hint
            hint = rest[0]
        else:
            return hint


def is_union(hint: Any) -> bool:
    """Whether a type is a union."""
    origin = typing.get_origin(hint)
    return origin is Union or type(hint).__name__ == "UnionType"


def is_optional(hint: Any) -> bool:
    """Whether a type allows `None`."""
    return is_union(hint) and type(None) in typing.get_args(hint)


def coerce(field: str, value: Any, hint: Any, is_secret: bool = False) -> Any:
    """`value` in the type `hint`. The error shows the value of a secret nowhere, nor do those that led to it."""
    hint = inner_type(hint)
    if hint is Any or hint is object or value is None or hint is None or isinstance(hint, (str, typing.TypeVar)):
        return value
    if is_union(hint):
        for member in typing.get_args(hint):
            try:
                return coerce(field, value, member, is_secret)
            except ConfigValueCannotBeCoercedException:
                continue
        raise _cannot(field, value, hint, is_secret)
    if typing.get_origin(hint) is typing.Literal:
        for member in typing.get_args(hint):
            if value == member or str(value) == str(member):
                return member
        raise _cannot(field, value, hint, is_secret, typing.get_args(hint))
    target = dict if typing.is_typeddict(hint) else typing.get_origin(hint) or hint
    if not isinstance(target, type):
        return value
    try:
        return _convert(value, target)
    except (ValueError, TypeError, SyntaxError, ArithmeticError):
        # Raised behind this, so that the cause, which quotes the value, is not within it.
        pass
    raise _cannot(field, value, hint, is_secret, _words_of(target))


def _words_of(target: Any) -> Sequence[Any]:
    """The values of a type that has a few."""
    if target is bool:
        return ("true", "false", *sorted((_TRUE | _FALSE) - {"true", "false"}))
    return [member.value for member in target] if issubclass(target, enum.Enum) else ()


def _cannot(
    field: str, value: Any, hint: Any, is_secret: bool, words: Sequence[Any] = ()
) -> ConfigValueCannotBeCoercedException:
    hides = is_secret or is_secret_name(field) or masked(value) != str(value)
    text = f"Configured value for field `{field}` cannot be coerced into type `{hint}`"
    if not hides and isinstance(value, (str, int, float)):
        text += f": it is `{value}`"
    if words:
        text += f": there are {', '.join(str(word) for word in nearest_first('' if hides else value, words))}"
    return ConfigValueCannotBeCoercedException(field, "***" if hides else value, hint, msg=text)


def _convert(value: Any, target: type) -> Any:
    if target is bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise ValueErrorWithKnownValues("value", value, sorted(_TRUE | _FALSE))
    if isinstance(value, target):
        return value
    if hasattr(target, "parse_native_representation") and not issubclass(target, (str, int, float)):
        return _native(value, target)
    if issubclass(target, enum.Enum):
        return target(value)
    if target is int:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        return int(value, 0) if isinstance(value, str) and value.lower().startswith("0x") else int(value)
    if target is float:
        return float(value)
    if target is Decimal:
        return Decimal(str(value))
    if target is str:
        if isinstance(value, (dict, list)):
            return json.dumps(value)
        return str(value)
    if target is datetime:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if target is date:
        return date.fromisoformat(str(value))
    if target is tuple:
        return tuple(ast.literal_eval(value)) if isinstance(value, str) else tuple(value)
    return _container(value, target)


def _container(value: Any, target: type) -> Any:
    lists: Tuple[type, ...] = (list, collections.abc.Sequence)
    if target in lists and not isinstance(value, str):
        return list(value)
    dicts: Tuple[type, ...] = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
    if target in lists or target in dicts:
        if isinstance(value, str):
            value = json.loads(value)
        if not isinstance(value, list if target in lists else dict):
            raise ValueError(value)
        return value
    return value


def _native(value: Any, target: Any) -> Any:
    instance = target()
    if isinstance(value, dict):
        for key, item in value.items():
            setattr(instance, key, item)
    else:
        instance.parse_native_representation(value)
    return instance
