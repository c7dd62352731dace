"""Texts with placeholders: `{resources.posts.id}`, `{incremental.start_value}`."""

import string
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from windlass.sources.rest_api.typing import Endpoint, ResolvedParam

RESOURCES = "resources"
INCREMENTAL = "incremental"


class DirectKeyFormatter(string.Formatter):
    """Takes the whole name of a placeholder as one key."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return kwargs[field_name], field_name


_FORMATTER = DirectKeyFormatter()


def names_in(text: str) -> List[str]:
    """The names of the placeholders of a text. Raises `ValueError` for braces that do not match."""
    return [name for _, name, _, _ in _FORMATTER.parse(text) if name is not None]


def _single(text: str) -> Optional[str]:
    """The name, if a text is nothing but one placeholder."""
    parts = list(_FORMATTER.parse(text))
    if len(parts) != 1:
        return None
    literal, name, spec, conversion = parts[0]
    return name if not literal and name and not spec and not conversion else None


def expand_placeholders(obj: Any, placeholders: Dict[str, Any], preserve_value_type: bool = False) -> Any:
    """A value with the placeholders of its texts filled in, keys of dicts included.

    `preserve_value_type` keeps the type where a text is nothing but a placeholder.
    """
    if obj is None:
        return None
    if isinstance(obj, str):
        if "{" not in obj and "}" not in obj:
            return obj
        if preserve_value_type:
            name = _single(obj)
            if name is not None and name in placeholders:
                return placeholders[name]
        return _FORMATTER.vformat(obj, (), placeholders)
    if isinstance(obj, Mapping):
        return {
            expand_placeholders(key, placeholders): expand_placeholders(value, placeholders, preserve_value_type)
            for key, value in obj.items()
        }
    if isinstance(obj, (list, tuple)):
        return [expand_placeholders(value, placeholders, preserve_value_type) for value in obj]
    return obj


def find_expressions(content: Any) -> List[str]:
    """The names of all placeholders of a value, each once, in their order."""
    found: Dict[str, None] = {}

    def visit(value: Any) -> None:
        if isinstance(value, str):
            found.update(dict.fromkeys(names_in(value)))
        elif isinstance(value, Mapping):
            for key, item in value.items():
                visit(key)
                visit(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                visit(item)

    visit(content)
    return list(found)


def contexts_of(endpoint: Endpoint) -> Set[str]:
    """What placeholders of an endpoint may begin with."""
    return {RESOURCES, INCREMENTAL} if endpoint.get("incremental") else {RESOURCES}


def check_contexts(expressions: Iterable[str], contexts: Set[str], where: str) -> None:
    """Raises `ValueError` for placeholders that nothing fills in."""
    for expression in expressions:
        first, dot, _ = expression.partition(".")
        if not dot or first not in contexts:
            raise ValueError(
                f"Expression `{expression}` defined in `{where}` is not valid. Valid expressions must start with one of: "
                f"`{{{', '.join(repr(name) for name in sorted(contexts))}}}`. If you need to use literal curly braces in "
                "your expression, escape them by doubling them: {{ and }}"
            )


def resolved_params(expressions: Iterable[str]) -> List[ResolvedParam]:
    """The fields of parents that expressions name."""
    found = []
    for expression in expressions:
        parts = expression.split(".", 2)
        if parts[0] != RESOURCES:
            continue
        if len(parts) != 3 or not all(parts):
            raise ValueError(
                f"Invalid definition of `{expression}`. Expected format: 'resources.<resource>.<field>'"
            )
        found.append(
            ResolvedParam(expression, {"type": "resolve", "resource": parts[1], "field": parts[2]})
        )
    return found


def rewrite_path(path: str, replace: Callable[[str], Tuple[bool, str]]) -> str:
    """A path whose placeholders are replaced where `replace` says so by `(True, text)`; the others stay."""
    out = []
    for literal, name, spec, conversion in _FORMATTER.parse(path):
        out.append(_escaped(literal))
        if name is None:
            continue
        is_replaced, text = replace(name)
        if is_replaced:
            out.append(_escaped(text))
        else:
            out.append("{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}")
    return "".join(out)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
