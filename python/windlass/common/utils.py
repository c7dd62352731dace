"""Small functions that scripts take from here."""

import base64
import contextlib
import hashlib
import itertools
import os
import secrets
import sys
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Mapping, Optional, Sequence, TypeVar

T = TypeVar("T")


def chunks(iterable: Iterable[T], n: int) -> Iterator[Sequence[T]]:
    """The items in lists of `n`."""
    found = iter(iterable)
    while True:
        chunk = list(itertools.islice(found, n))
        if not chunk:
            return
        yield chunk


def uniq_id(len_: int = 16) -> str:
    """Random bytes as hex digits."""
    return secrets.token_hex(len_)


def uniq_id_base64(len_: int = 16) -> str:
    """Random bytes in base64, without its padding."""
    return base64.b64encode(secrets.token_bytes(len_)).decode("ascii").rstrip("=")


def many_uniq_ids_base64(n_ids: int, len_: int = 16) -> List[str]:
    """Several of them."""
    return [uniq_id_base64(len_) for _ in range(n_ids)]


def digest128(v: str, len_: int = 15) -> str:
    """SHAKE-128 of a text in base64, without its padding."""
    return digest128b(v.encode("utf-8"), len_)


def digest128b(v: bytes, len_: int = 15) -> str:
    """SHAKE-128 of bytes in base64, without its padding."""
    return base64.b64encode(hashlib.shake_128(v).digest(len_)).decode("ascii").rstrip("=")


def digest256(v: str) -> str:
    """SHA3-256 of a text in base64."""
    return base64.b64encode(hashlib.sha3_256(v.encode("utf-8")).digest()).decode("ascii")


def flatten_list_or_items(_iter: Iterable[Any]) -> Generator[Any, None, None]:
    """The items, and those of lists among them."""
    for items in _iter:
        if isinstance(items, list):
            yield from items
        else:
            yield items


def flatten_list_of_str_or_dicts(seq: Sequence[Any]) -> Dict[str, Any]:
    """Dictionaries and names as one dictionary; names have no value."""
    found: Dict[str, Any] = {}
    for item in seq:
        entries = {item: None} if isinstance(item, str) else dict(item)
        twice = found.keys() & entries.keys()
        if twice:
            raise KeyError(f"the key `{sorted(twice)[0]}` is there twice")
        found.update(entries)
    return found


def update_dict_nested(dst: Dict[Any, Any], src: Mapping[Any, Any], copy_src_dicts: bool = False) -> Dict[Any, Any]:
    """Lays one dictionary over another, and dictionaries in it as well."""
    for key, value in src.items():
        if isinstance(value, dict) and isinstance(dst.get(key), dict):
            update_dict_nested(dst[key], value, copy_src_dicts)
        elif copy_src_dicts and isinstance(value, dict):
            dst[key] = clone_dict_nested(value)
        else:
            dst[key] = value
    return dst


def clone_dict_nested(src: Dict[Any, Any]) -> Dict[Any, Any]:
    """A copy of dictionaries in dictionaries."""
    return update_dict_nested({}, src, copy_src_dicts=True)


def map_nested_in_place(func: Callable[..., Any], _nested: Any, *args: Any, **kwargs: Any) -> Any:
    """Applies a function to all values in dictionaries and lists."""
    entries: Iterable[Any]
    if isinstance(_nested, tuple):
        if hasattr(_nested, "_asdict"):
            return type(_nested)(**map_nested_in_place(func, _nested._asdict(), *args, **kwargs))
        return tuple(map_nested_in_place(func, list(_nested), *args, **kwargs))
    if isinstance(_nested, dict):
        entries = list(_nested.items())
    elif isinstance(_nested, list):
        entries = list(enumerate(_nested))
    else:
        raise ValueError(f"`{type(_nested).__name__}` is neither a dictionary nor a list")
    for key, value in entries:
        nested = isinstance(value, (dict, list, tuple))
        _nested[key] = map_nested_in_place(func, value, *args, **kwargs) if nested else func(value, *args, **kwargs)
    return _nested


map_nested_values_in_place = map_nested_in_place


def map_nested_keys_in_place(func: Callable[..., Any], _nested: Any, *args: Any, **kwargs: Any) -> Any:
    """Applies a function to all keys of dictionaries."""
    if isinstance(_nested, dict):
        for key, value in list(_nested.items()):
            del _nested[key]
            _nested[func(key, *args, **kwargs)] = map_nested_keys_in_place(func, value, *args, **kwargs)
    elif isinstance(_nested, (list, tuple)):
        for value in _nested:
            map_nested_keys_in_place(func, value, *args, **kwargs)
    return _nested


def dict_remove_nones_in_place(d: Dict[Any, Any]) -> Dict[Any, Any]:
    """Removes keys whose value is `None`."""
    for key in [key for key, value in d.items() if value is None]:
        del d[key]
    return d


def without_none(d: Mapping[Any, Any]) -> Dict[Any, Any]:
    """The same without keys whose value is `None`."""
    return {key: value for key, value in d.items() if value is not None}


def exclude_keys(mapping: Mapping[str, Any], keys: Iterable[str]) -> Dict[str, Any]:
    """The same without some keys."""
    left_out = set(keys)
    return {key: value for key, value in mapping.items() if key not in left_out}


def order_deduped(lst: List[Any]) -> List[Any]:
    """Each item once, where it comes first."""
    return list(dict.fromkeys(lst))


def extend_list_deduplicated(
    original_list: List[Any], extending_list: Iterable[Any], normalize_f: Callable[[str], str] = str
) -> List[Any]:
    """Adds the items that are not there yet."""
    known = {normalize_f(item) for item in original_list}
    for item in extending_list:
        if normalize_f(item) not in known:
            known.add(normalize_f(item))
            original_list.append(item)
    return original_list


def concat_strings_with_limit(strings: List[str], separator: str, limit: int) -> Iterator[str]:
    """Texts joined up to a length; a longer one stands alone."""
    joined = ""
    for index, text in enumerate(strings):
        longer = f"{joined}{separator}{text}" if index and joined else text
        if joined and len(longer) > limit:
            yield joined
            joined = text
        else:
            joined = longer
    if strings:
        yield joined


def removeprefix(self: str, prefix: str) -> str:
    """A text without what it may begin with."""
    return self[len(prefix) :] if self.startswith(prefix) else self


def group_by_key(items: Sequence[T], key_f: Callable[[T], str]) -> Dict[str, List[T]]:
    """Items by a key, in their order."""
    found: Dict[str, List[T]] = {}
    for item in items:
        found.setdefault(key_f(item), []).append(item)
    return found


def str2bool(v: str) -> bool:
    """What a text says. Raises `ValueError` for one that says neither."""
    if isinstance(v, bool):
        return v
    if v.lower() in ("yes", "true", "t", "y", "1"):
        return True
    if v.lower() in ("no", "false", "f", "n", "0"):
        return False
    from windlass.common.exceptions import ValueErrorWithKnownValues

    raise ValueErrorWithKnownValues("v", v, ["yes", "true", "t", "y", "1", "no", "false", "f", "n", "0"])


def compressed_b64encode(value: bytes) -> str:
    """Bytes, compressed, in base64."""
    import zlib

    return base64.b64encode(zlib.compress(value, level=9)).decode("ascii")


def compressed_b64decode(value: str) -> bytes:
    """The bytes that were compressed."""
    import zlib

    return zlib.decompress(base64.b64decode(value, validate=True))


@contextlib.contextmanager
def custom_environ(env: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment for a while."""
    before = {key: os.environ.get(key) for key in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


@contextlib.contextmanager
def set_working_dir(path: str) -> Iterator[str]:
    """Changes the folder for a while."""
    before = os.getcwd()
    try:
        if path:
            os.chdir(path)
        yield path
    finally:
        os.chdir(before)


def is_interactive() -> bool:
    """Whether it runs in a notebook or at a prompt."""
    main = sys.modules.get("__main__")
    return not hasattr(main, "__file__")


def main_module_file_path() -> Optional[str]:
    """The script that runs."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.abspath(path) if path else None


def get_callable_name(f: Any, name_attr: str = "__name__") -> Optional[str]:
    """The name of a function, or of the class of what can be called."""
    name = getattr(f, name_attr, None)
    return name if name is not None else getattr(type(f), name_attr, None)


def identity(x: T) -> T:
    """What was given."""
    return x
