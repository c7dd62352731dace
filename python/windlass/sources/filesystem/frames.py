"""Frames of CSV files as rows: integers stay integers, and texts that look like none stay texts."""

import io
import re
from typing import Any, Dict, List

from windlass._native import native
from windlass.common.storages.fsspec_filesystem import FileItemDict
from windlass.extract.unread import UnreadRows
from windlass.sources.filesystem.csv_text import EMPTY

#: Words that mean nothing in a column of numbers or bools, as pandas has them.
_NOTHING = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip

#: Options of pandas that say themselves what values are.
_OWN = {
    "na_values", "keep_default_na", "na_filter", "dtype", "dtype_backend", "converters", "true_values", "false_values",
    "thousands", "decimal", "engine", "float_precision", "index_col",
}  # fmt: skip

_PLAIN = ("int64", "uint64", "float64", "bool", "Int64", "UInt64", "Float64", "boolean")


def says_values(options: Dict[str, Any]) -> bool:
    """Whether options of pandas say what values are, or how nothing is written: its frames are taken as they are."""
    return not _OWN.isdisjoint(options)


#: What is read by if they do not: types with room for nothing, and no word for it.
OPTIONS: Dict[str, Any] = {"dtype_backend": "numpy_nullable", "keep_default_na": False, "na_values": [""]}


class Columns:
    """The columns of a file, chunk by chunk."""

    def __init__(self, item: FileItemDict) -> None:
        self._url = item["file_url"]
        self._were_numbers: set[Any] = set()

    def settled(self, frame: Any) -> Any:
        """The frame, words that mean nothing taken out of columns of numbers and bools.

        Raises ValueError for rows with more fields than the header, of which pandas makes an index that would be lost.
        """
        if type(frame.index).__name__ != "RangeIndex":
            raise ValueError(
                f"{self._url}: rows have more fields than the header: name all columns by read_csv(names=[…], header=0), "
                "or leave the first one out by index_col=0"
            )
        names = list(frame.columns)
        if any(EMPTY in str(name) for name in names):
            frame.columns = names = [f"Unnamed: {at}" if EMPTY in str(name) else name for at, name in enumerate(names)]
        if len(set(names)) < len(names):
            return frame
        for name, kind in zip(names, frame.dtypes):
            if str(kind) in _PLAIN:
                self._were_numbers.add(name)
            elif str(kind) in ("string", "str"):
                frame[name] = self._column(frame[name], name)
        return frame

    def _column(self, column: Any, name: Any) -> Any:
        is_empty = (column == EMPTY).fillna(False).astype(bool)
        is_word = is_empty | column.isin(_NOTHING)
        rest = column[~is_word & column.notna()]
        if is_word.any() and (len(rest) or name in self._were_numbers):
            numbers = _numbers(rest) if len(rest) else rest
            if numbers is not None:
                self._were_numbers.add(name)
                found = numbers.reindex(column.index)
                return found if len(rest) else found.astype("Int64")
        if not is_word.any() and len(rest) and re.fullmatch(r"[+-]?\d+", rest.iloc[0]):
            # Integers of more than 64 bits are texts to pandas.
            if rest.str.fullmatch(r"[+-]?\d+").all():
                return rest.astype(object).map(int).reindex(column.index).astype(object)
        return column.mask(is_empty, "") if is_empty.any() else column


def _numbers(texts: Any) -> Any:
    """Texts as the numbers or bools that they are to pandas; `None` if one is neither."""
    import pandas

    first = texts.iloc[0]
    if first.lower() not in ("true", "false"):
        try:
            float(first)
        except ValueError:
            return None
    if texts.str.contains("[\r\n]").any():
        return None
    written = io.StringIO("v\n" + "\n".join(texts) + "\n")
    found = pandas.read_csv(written, sep="\x1f", quoting=3, skip_blank_lines=False, **{**OPTIONS, "na_values": []})["v"]
    if str(found.dtype) not in _PLAIN:
        return None
    found.index = texts.index
    return found


def rows_of_frame(frame: Any) -> Any:
    """A frame as rows, which no Python code sees unless a step wants to."""
    names = list(frame.columns)
    kinds = [str(kind) for kind in frame.dtypes]
    is_named = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    if not is_named or not len(frame) or not all(kind in (*_PLAIN, "object", "str", "string") for kind in kinds):
        return plain_rows(frame)
    try:
        import pyarrow

        # Columns of several types are none for Arrow.
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (ImportError, ValueError, TypeError, OverflowError):
        return plain_rows(frame)
    texts = ("string", "large_string", "string_view")
    for kind, field in zip(kinds, table.schema):
        is_text = str(field.type) in texts or field.type.id == 0
        if kind not in _PLAIN and not is_text:
            return plain_rows(frame)
    return UnreadRows(native().rows_of_columns(table), lambda: plain_rows(frame), names)


def plain_rows(frame: Any) -> List[Dict[Any, Any]]:
    """Rows as dicts: nothing is `nan` in them, as it is in pandas."""
    kinds = [str(kind) for kind in frame.dtypes]
    if any(kind in ("Int64", "UInt64", "Float64", "boolean", "string") for kind in kinds):
        whole = frame.astype(object)
        frame = whole.where(whole.notna(), float("nan"))
    return frame.to_dict(orient="records")  # type: ignore[no-any-return]
