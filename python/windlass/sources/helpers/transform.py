"""Functions for `add_filter` and `add_map`."""

from typing import Any, Callable, Dict, Sequence, Union


def take_first(max_items: int) -> Callable[[Any], bool]:
    """A filter that lets only the first items pass."""
    count = [0]

    def is_taken(_: Any) -> bool:
        count[0] += 1
        return count[0] <= max_items

    return is_taken


def skip_first(max_items: int) -> Callable[[Any], bool]:
    """A filter that lets all items but the first pass."""
    count = [0]

    def is_taken(_: Any) -> bool:
        count[0] += 1
        return count[0] > max_items

    return is_taken


def pivot(paths: Union[str, Sequence[str]] = "$", prefix: str = "col") -> Callable[[Any], Any]:
    """A map that makes lists of lists, found at paths, into lists of dictionaries with the keys `col0`, `col1`, ..."""
    wanted = [paths] if isinstance(paths, str) else list(paths)

    def of_rows(rows: Any, where: str) -> Any:
        if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows):
            raise ValueError(f"pivot() takes lists of lists, and what is at `{where}` is something else")
        return [{f"{prefix}{index}": value for index, value in enumerate(row)} for row in rows]

    def change(item: Any) -> Any:
        for path in wanted:
            if path == "$":
                item = of_rows(item, path)
                continue
            *parents, last = path.removeprefix("$.").split(".")
            place: Dict[str, Any] = item
            for key in parents:
                place = place[key]
            place[last] = of_rows(place[last], path)
        return item

    return change


def add_row_hash_to_table(row_hash_column_name: str) -> Any:
    """A map that adds a hash of each row of a frame or an Arrow table as a column."""

    def change(item: Any) -> Any:
        from windlass.common.utils import digest128

        is_frame = hasattr(item, "assign") and hasattr(item, "itertuples")
        rows = item.to_dict("records") if is_frame else item.to_pylist()
        hashes = [digest128("\x1f".join(f"{key}\x1e{value!r}" for key, value in row.items())) for row in rows]
        if is_frame:
            return item.assign(**{row_hash_column_name: hashes})
        import pyarrow as pa

        if isinstance(item, pa.RecordBatch):
            item = pa.Table.from_batches([item])
        return item.append_column(row_hash_column_name, pa.array(hashes, pa.string()))

    return change
