"""The text of files: how it is written."""

import codecs
import contextlib
import io
from typing import Any, Iterator, List, Optional

from windlass.common.storages.fsspec_filesystem import FileItemDict
from windlass.extract.limits import too_long

#: Bytes that are read at once.
PIECE_BYTES = 256 * 1024

#: Bytes at the start of a file by which its encoding is guessed.
_HEAD_BYTES = 4096

#: Marks of the order of bytes; that of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@contextlib.contextmanager
def naming(item: FileItemDict) -> Iterator[None]:
    """Has errors name the file that is read."""
    try:
        yield
    except Exception as cause:
        url = item["file_url"]
        if url not in str(cause) and getattr(cause, "errno", None) is None and len(cause.args) == 1:
            cause.args = (f"{url}: {cause}",)
        raise


def refuse_wide_characters(file: Any, item: FileItemDict, reader: str) -> None:
    """Raises ValueError for a text of several bytes a character that no mark tells."""
    if file.seekable():
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        if (name := _by_zeros(head)) is not None:
            raise _wide(item["file_url"], name, reader)


def _wide(url: str, name: str, reader: str) -> Exception:
    return ValueError(f'{url} is not UTF-8, it looks like {name}: {reader}(encoding="{name}") reads it')


class Text:
    """A file that holds text: in which encoding, and its bytes."""

    def __init__(
        self, file: Any, item: FileItemDict, reader: str, encoding: Optional[str], errors: str = "strict"
    ) -> None:
        self.url = item["file_url"]
        self._reader = reader
        self._file = file
        self._errors = errors
        self._head: bytes = file.read(_HEAD_BYTES)
        mark, marked = next(((mark, name) for mark, name in _MARKS if self._head.startswith(mark)), (b"", ""))
        if mark and codecs.lookup(encoding or marked).name.startswith(marked[:6]):
            self._head = self._head[len(mark) :]
            encoding = marked
        #: The encoding that was said, or by the mark at the start; UTF-8 without either.
        self.encoding = codecs.lookup(encoding or "utf-8").name
        if encoding is None:
            wide = _by_zeros(self._head)
            if wide is not None:
                raise _wide(self.url, wide, reader)

    def pieces(self) -> Iterator[str]:
        """The text. Raises ValueError with the line where it is not written as it is said to be."""
        decoder = codecs.getincrementaldecoder(self.encoding)(self._errors)
        line = 1
        piece = self._head
        while True:
            more = self._file.read(PIECE_BYTES)
            try:
                text = decoder.decode(piece, final=not more)
            except UnicodeDecodeError as cause:
                line += cause.object[: cause.start].count(b"\n")
                around = cause.object[max(cause.start - 100, 0) : cause.start + 100]
                raise self.undecodable(line, around, cause) from cause
            line += text.count("\n")
            if text:
                yield text
            if not more:
                return
            piece = more

    def undecodable(self, line: int, around: bytes, cause: UnicodeDecodeError) -> Exception:
        """The error for bytes that are no text in this encoding."""
        remedy = f"if the file is written in another encoding, name it: {self._reader}(encoding=…), {likely(around)}"
        if self.encoding != "utf-8":
            remedy = f"name the encoding that it is written in: {self._reader}(encoding=…)"
        return ValueError(f"{self.url}, line {line}, is not {self.encoding}: {cause.reason}; {remedy}")

    def as_file(self) -> Any:
        """A file of text."""
        return io.TextIOWrapper(io.BufferedReader(_Encoded(self.pieces()), PIECE_BYTES), "utf-8", newline="")

    def lines(self, count: int, limit: int) -> Iterator[List[bytes]]:
        """Lines of UTF-8 without their ends, so many at a time, or fewer where they are long.

        Raises ValueError for a line that is longer than the limit.
        """
        waiting: List[bytes] = []
        length, number = 0, 0
        begun: List[bytes] = []
        begun_length = 0
        for block in self._blocks():
            ends = block.split(b"\n")
            begun.append(ends[0])
            begun_length += len(ends[0])
            if len(ends) > 1:
                ends[0] = b"".join(begun)
                begun = [ends.pop()]
                begun_length = len(begun[0])
                waiting += ends
                length += sum(map(len, ends))
                if length > limit:
                    self._check_lines(waiting, number, limit)
            if begun_length > limit:
                raise too_long(f"{self.url}, line {number + len(waiting) + 1}", limit)
            while len(waiting) >= count or length > limit:
                yield waiting[:count]
                number += len(waiting[:count])
                waiting = waiting[count:]
                length = sum(map(len, waiting))
        rest = b"".join(begun)
        waiting += [rest] if rest else []
        if waiting:
            yield waiting

    def _check_lines(self, lines: List[bytes], before: int, limit: int) -> None:
        for number, line in enumerate(lines, before + 1):
            if len(line) > limit:
                raise too_long(f"{self.url}, line {number}", limit)

    def _blocks(self) -> Iterator[bytes]:
        if self.encoding != "utf-8" or self._errors != "strict":
            yield from (piece.encode("utf-8", "surrogatepass") for piece in self.pieces())
            return
        yield self._head
        while block := self._file.read(PIECE_BYTES):
            yield block


class _Encoded(io.RawIOBase):
    """Text as a file of UTF-8."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._waiting:
            self._waiting = memoryview(next(self._pieces, "").encode("utf-8", "surrogatepass"))
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count


def _by_zeros(head: bytes) -> Optional[str]:
    """The encoding of several bytes a character that a text seems to have, by the zeros in it."""
    for name, at, width in (("utf-32-le", 0, 4), ("utf-32-be", 3, 4), ("utf-16-le", 0, 2), ("utf-16-be", 1, 2)):
        letters: bytes = head[at::width]
        zeros: List[bytes] = [head[place::width] for place in range(width) if place != at]
        count = min(place.count(0) for place in zeros)
        if count >= 2 and count >= 0.4 * len(zeros[0]) and letters.count(0) <= 0.02 * len(letters):
            return name
    return None


def likely(around: bytes) -> str:
    """The encoding that bytes that are not UTF-8 may have, for people."""
    high = sum(byte >= 0x80 for byte in around)
    letters = sum(byte < 0x80 and chr(byte).isalpha() for byte in around)
    if high > letters:
        return "such as windows-1251, shift_jis, gb18030 or euc-kr"
    return 'most likely encoding="windows-1252"'
