"""Patterns of files on this machine; links that lead back to a folder above are not followed."""

import fnmatch
import os
import re
from typing import FrozenSet, Iterator, List, Tuple

from windlass.common.configuration.exceptions import ConfigurationValueError

Inode = Tuple[int, int]


def local_glob(folder: str, pattern: str) -> Iterator[str]:
    """The files and folders below a folder that a pattern fits, in the order of their names, some more than once.

    `*`, `?` and `[…]` stand for what is within one name, `**` for any folders (none, too). Names that begin with a dot are
    found only by patterns that begin with one, as by Python's `glob`.

    Raises ConfigurationValueError for a pattern that begins anew at the root. `..` is taken as it is, as in the reference.
    """
    names = pattern.replace(os.sep, "/").split("/")
    if not names[0] or "\0" in pattern:
        raise ConfigurationValueError(
            f"file_glob {pattern!r} leads out of bucket_url: name the folder that holds all of the files in bucket_url"
        )
    parts = [name for name in names if name not in ("", ".")]
    parts = [name for at, name in enumerate(parts) if name != "**" or parts[at - 1 : at] != ["**"]]
    if parts[-1:] == ["**"]:
        # All that is below, too.
        parts.append("*")
    yield from _below(folder, parts, frozenset(_inode(folder)))


def _below(folder: str, parts: List[str], above: FrozenSet[Inode]) -> Iterator[str]:
    if not parts:
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _below(folder, rest, above)
        for name in _names(folder, "*"):
            yield from _inside(os.path.join(folder, name), parts, above)
    elif not any(letter in part for letter in "*?["):
        place = os.path.join(folder, part)
        if rest:
            # Above the folder nothing is above.
            yield from _inside(place, rest, frozenset() if part == ".." else above)
        elif os.path.lexists(place):
            yield place
    else:
        for name in _names(folder, part):
            place = os.path.join(folder, name)
            if rest:
                yield from _inside(place, rest, above)
            else:
                yield place


def _inside(place: str, parts: List[str], above: FrozenSet[Inode]) -> Iterator[str]:
    """What fits within a place, if it is a folder and not one of those above."""
    if os.path.isdir(place):
        inode = _inode(place)
        if not inode & above:
            yield from _below(place, parts, above | inode)


def _inode(place: str) -> FrozenSet[Inode]:
    try:
        stat = os.stat(place)
    except OSError:
        return frozenset()
    return frozenset([(stat.st_dev, stat.st_ino)])


def _names(folder: str, pattern: str) -> List[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    fits = re.compile(fnmatch.translate(os.path.normcase(pattern))).match
    return [name for name in names if fits(os.path.normcase(name)) and (pattern.startswith(".") or not name.startswith("."))]
