"""Rows that a reader has found and no Python code has looked at: they go to the engine as they are."""

from typing import Any, Callable, Dict, Iterator, List, Sequence


class UnreadRows:
    """Some rows. They become dicts only if a step, a transformer or a loop wants to see them."""

    __slots__ = ("_written", "_make", "columns")

    def __init__(self, written: Any, make: Callable[[], List[Dict[str, Any]]], columns: Sequence[str] = ()) -> None:
        #: The rows as the engine takes them.
        self._written = written
        self._make = make
        #: The columns that they come from; none where each row has keys of its own.
        self.columns = columns

    @property
    def written(self) -> Any:
        """The rows as the engine takes them."""
        return self._written

    def to_list(self) -> List[Dict[str, Any]]:
        """The rows as dicts."""
        return self._make()

    def __len__(self) -> int:
        return len(self._written)

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return iter(self._make())


__all__ = ["UnreadRows"]
