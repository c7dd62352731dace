"""JSON paths, as cursors and selectors have them."""

import json
import re
from typing import Any, Dict, Iterable, List, Optional, Union

TJSONPath = str
TAnyJsonPath = Union[str, Iterable[str]]

_SIMPLE = re.compile(r"""(?:\$\.)?(?:'([^']+)'|"([^"]+)"|([A-Za-z_][\w-]*))""")


def compile_path(s: str) -> str:
    """A path; it is checked when it is used."""
    return str(s)


def compile_paths(s: TAnyJsonPath) -> List[str]:
    """One or several paths."""
    return [str(s)] if isinstance(s, str) else [str(path) for path in s]


def find_values(path: str, data: Any) -> List[Any]:
    """The values at a path."""
    from windlass._native import native

    return [json.loads(found) for found in native().select_json(json.dumps(data, default=str), str(path))]


def extract_simple_field_name(path: str) -> Optional[str]:
    """The name of a path that is one field; `None` for any other."""
    found = _SIMPLE.fullmatch(str(path).strip())
    return next((name for name in found.groups() if name), None) if found else None


def is_simple_field_path(path: str) -> bool:
    """Whether a path is one field."""
    return extract_simple_field_name(path) is not None


def set_value_at_path(obj: Dict[str, Any], path: str, value: Any) -> None:
    """Sets a value below keys that are joined by dots; dictionaries that are missing are made."""
    *parents, last = str(path).split(".")
    for key in parents:
        obj = obj.setdefault(key, {})
    obj[last] = value
