"""JSONPath: the common paths in Python, all others by the engine."""

import functools
import json
import re
from typing import Any, Iterable, List, Optional, Tuple, Union

_SEGMENT = re.compile(
    r"""\.?(?:
        (?P<name>@?[A-Za-z_][A-Za-z0-9_@-]*)
      | '(?P<quoted>[^'\\]*)'
      | "(?P<double>[^"\\]*)"
      | \[(?P<index>-?\d+)\]
      | \[(?P<any>\*)\]
      | \[(?:'(?P<member>[^'\\]*)'|"(?P<other>[^"\\]*)")\]
    )""",
    re.VERBOSE,
)

_ANY = object()

#: A step of a path: the name of a member, the index of an item, or all items.
Step = Any


class JsonPathParserError(ValueError):
    """A path that is no JSONPath."""


class _Special(Exception):
    """What the engine must look at."""


class JSONPath:
    """A path that was checked."""

    __slots__ = ("text", "_steps")

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = _steps_of(text)
        if self._steps is None:
            _engine_find(text, "null")

    def find(self, data: Any) -> List[Any]:
        """The values that the path finds."""
        if self._steps is not None:
            try:
                return _walk(self._steps, data)
            except _Special:
                pass
        return _engine_find(self.text, json.dumps(data, default=str))

    @property
    def simple_name(self) -> Optional[str]:
        """The name, if the path is nothing but one."""
        if self._steps is None:
            # A number may be a name, too.
            return self.text if self.text.isdigit() else None
        if self.text.startswith("$") or len(self._steps) != 1:
            return None
        step = self._steps[0]
        return step if isinstance(step, str) else None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"JSONPath({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JSONPath) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> Any:
        return (JSONPath, (self.text,))

    def __copy__(self) -> "JSONPath":
        return self

    def __deepcopy__(self, _: Any) -> "JSONPath":
        return self


TJsonPath = Union[str, JSONPath]
TAnyJsonPath = Union[TJsonPath, Iterable[TJsonPath]]


def _steps_of(text: str) -> Optional[Tuple[Step, ...]]:
    """The steps of a plain path, `None` for others."""
    if text == "$":
        return ()
    at = 0
    if text.startswith("$"):
        at = 1
        if not text[1:].startswith((".", "[")):
            return None
    steps: List[Step] = []
    while at < len(text):
        found = _SEGMENT.match(text, at)
        if found is None:
            return None
        dotted, bracket = text[at] == ".", found.group().lstrip(".").startswith("[")
        # A dot stands between names; the first one has none, unless the root is named.
        if dotted != (not bracket and at > 0):
            return None
        at = found.end()
        kind = found.lastgroup
        value = found.group(kind) if kind else ""
        steps.append(int(value) if kind == "index" else _ANY if kind == "any" else value)
    return tuple(steps) if steps else None


def _walk(steps: Tuple[Step, ...], data: Any) -> List[Any]:
    found = [data]
    for step in steps:
        reached: List[Any] = []
        for value in found:
            if isinstance(step, str):
                if isinstance(value, dict):
                    if step in value:
                        reached.append(value[step])
                elif value is not None and not isinstance(value, (list, str, int, float)):
                    raise _Special
            elif not isinstance(value, list):
                raise _Special
            elif step is _ANY:
                reached += value
            elif -len(value) <= step < len(value):
                reached.append(value[step])
        found = reached
    return found


def _engine_find(path: str, text: str) -> List[Any]:
    from windlass._native import native

    try:
        return [json.loads(one) for one in native().select_json(text, path)]
    except native().EngineError as cause:
        raise JsonPathParserError(str(cause)) from cause


@functools.lru_cache(maxsize=1024)
def _compiled(text: str) -> JSONPath:
    return JSONPath(text)


def compile_path(s: TJsonPath) -> JSONPath:
    """The path of a text, checked. Raises `JsonPathParserError`."""
    return s if isinstance(s, JSONPath) else _compiled(s)


def compile_paths(s: TAnyJsonPath) -> List[JSONPath]:
    """One path or many, checked."""
    if isinstance(s, (str, JSONPath)):
        return [compile_path(s)]
    return [compile_path(one) for one in s]


def find_values(path: TJsonPath, data: Any) -> List[Any]:
    """The values that a path finds."""
    return compile_path(path).find(data)


def is_simple_field_path(path: JSONPath) -> bool:
    """Whether a path is nothing but a name."""
    return path.simple_name is not None


def extract_simple_field_name(path: TJsonPath) -> Optional[str]:
    """The name that a path is, `None` if it is more."""
    return compile_path(path).simple_name


def set_value_at_path(obj: dict, path: str, value: Any) -> None:
    """Sets a member; `path` is names with dots between, missing objects are made."""
    *outer, last = path.split(".")
    for name in outer:
        inner = obj.get(name)
        if not isinstance(inner, dict):
            inner = obj[name] = {}
        obj = inner
    obj[last] = value


def quoted_path(names: Iterable[str]) -> str:
    """The path of members, those with special names in quotes."""
    return ".".join(name if re.fullmatch(r"[A-Za-z_@][A-Za-z0-9_@-]*", name) else f"'{name}'" for name in names)
