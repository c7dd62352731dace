"""The text of CSV files on its way to pandas: an empty text in quotes is told from nothing, an open quote is found."""

import re
from typing import Any, Iterator, Optional

from windlass.extract.limits import too_long
from windlass.sources.filesystem.texts import Text

#: What stands for an empty text in quotes, which pandas itself cannot tell from a field without anything.
EMPTY = "\ue000windlass: an empty text\ue000"


class CsvText:
    """Text for pandas to read. Raises ValueError for quotes that are not closed, and for records that are too long."""

    def __init__(self, text: Text, separator: str, is_marking: bool, limit: int) -> None:
        self._text = text
        self._pieces = text.pieces()
        self._limit = limit
        self._is_marking = is_marking
        # Quotes begin a field only at its start, and are doubled within it.
        start = rf"(?<![^{re.escape(separator)}\r\n])"
        quoted = rf'{start}"[^"]*(?:""[^"]*)*"(?!")'
        # Without quotes within fields that began without one, every other quote closes.
        self._even = re.compile(rf'(?:[^"]+|{quoted})*')
        self._is_even = True
        self._ends = f"{separator}\r\n"
        self._whole = re.compile(rf'(?:[^"]+|(?<=[^{re.escape(separator)}\r\n])"|{quoted})*')
        self._empty = re.compile(rf'{start}""(?![^{re.escape(separator)}\r\n])')
        self._fields = re.compile(rf'{self._empty.pattern}|{quoted}')
        self._before = "\n"
        self._carry = ""
        self._line = 1
        self._since_end = 0
        self._is_done = False
        #: Why reading failed, which not every version of pandas hands on.
        self.failure: Optional[Exception] = None

    def read(self, _size: int = -1) -> str:
        """More text: whole fields only, at the end an empty one."""
        try:
            return self._next()
        except Exception as cause:
            self.failure = cause
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self.read, "")

    def _next(self) -> str:
        while not self._is_done:
            text = self._more()
            # The character before is seen by what looks behind.
            seen = self._before + text
            even = self._even.match(seen, 1).end()  # type: ignore[union-attr]
            end = self._whole.match(seen, even).end()  # type: ignore[union-attr]
            self._is_even = end == even
            done, self._carry = seen[1:end], seen[end:]
            if self._carry and self._is_done:
                self._line += done.count("\n") or done.count("\r")
                raise ValueError(
                    f"{self._text.url}, line {self._line}: a quote opens here that is not closed (EOF inside string): "
                    "close it, or say how the file is quoted: read_csv(quoting=…, quotechar=…, sep=…)"
                )
            self._count(done)
            if not done:
                continue
            before, self._before = self._before, done[-1]
            return self._marked(before, done) if self._is_marking else done
        return ""

    def _more(self) -> str:
        """What was not read whole, and at least as much again; it ends with a quote only where the file does."""
        parts = [self._carry]
        length = len(self._carry)
        wanted = min(2 * length, self._limit) + 1
        while length < wanted or parts[-1].endswith('"') and length <= 2 * self._limit:
            piece = next(self._pieces, None)
            if piece is None:
                self._is_done = True
                break
            parts.append(piece)
            length += len(piece)
        return "".join(parts)

    def _count(self, done: str) -> None:
        line = self._line
        last = max(done.rfind("\n"), done.rfind("\r"))
        self._line += done.count("\n") or done.count("\r")
        self._since_end = len(done) - last - 1 if last >= 0 else self._since_end + len(done)
        longest = self._since_end + len(self._carry)
        if longest > self._limit:
            remedy = f" (a quote opens in line {self._line} that may not be closed)" if self._carry else ""
            raise too_long(f"{self._text.url}, line {self._line if last >= 0 else line}", self._limit, remedy)

    def _marked(self, before: str, done: str) -> str:
        if '""' not in done:
            return done
        if not self._is_even:
            return self._fields.sub(lambda found: f'"{EMPTY}"' if found.group() == '""' else found.group(), done)
        parts = done.split('"')
        last = len(parts) - 1
        for at, part in enumerate(parts[1::2]):
            if not part:
                left, right = parts[2 * at] or (before if at == 0 else "x"), parts[2 * at + 2]
                if left[-1] in self._ends and (right[0] in self._ends if right else 2 * at + 2 == last):
                    parts[2 * at + 1] = EMPTY
        return '"'.join(parts)


def separator_of(options: Any) -> Optional[str]:
    """The sign between fields; `None` where options of pandas have quotes read in another way."""
    others = ("quotechar", "quoting", "doublequote", "escapechar", "dialect", "engine", "skipinitialspace")
    if any(options.get(name) is not None for name in others) or ("sep" in options and options["sep"] is None):
        return None
    separator = options.get("sep") or options.get("delimiter") or ","
    return separator if isinstance(separator, str) and len(separator) == 1 and separator not in '"\r\n' else None
