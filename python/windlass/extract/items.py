"""What resources yield beside rows, and the steps that rows pass through."""

import inspect
import time
from typing import Any, Callable, Dict, Iterator, List, Optional

from windlass.extract.frames import is_lazy

_EMPTY = object()


def is_frame(data: Any) -> bool:
    """Whether this is a table of columns. A series is one column, whose values are items."""
    return is_lazy(data) or (hasattr(data, "__arrow_c_stream__") and not hasattr(data, "to_list"))


class DataItemWithMeta:
    """An item with a mark that says where it goes."""

    __slots__ = ("meta", "data")

    def __init__(self, meta: Any, data: Any) -> None:
        self.meta = meta
        self.data = data


class TableNameMeta:
    """The item goes to this table."""

    __slots__ = ("table_name",)

    def __init__(self, table_name: str) -> None:
        self.table_name = table_name


class HintsMeta:
    """Hints that come with an item."""

    __slots__ = ("hints", "create_table_variant")

    def __init__(self, hints: Dict[str, Any], create_table_variant: bool = False) -> None:
        self.hints = hints
        self.create_table_variant = create_table_variant


class ImportFileMeta:
    """The item is a file whose rows are loaded as they are."""

    __slots__ = ("file_path", "file_format", "items_count", "hints")

    def __init__(self, file_path: str, file_format: str, items_count: int, hints: Any) -> None:
        self.file_path = file_path
        self.file_format = file_format
        self.items_count = items_count
        self.hints = hints


class MaterializedEmptyList(List[Any]):
    """An empty list whose table is made all the same."""


def _takes_meta(function: Callable[..., Any]) -> bool:
    try:
        return "meta" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


class ItemTransform:
    """A step of a pipe."""

    placement_affinity: float = 0

    def __init__(self, transform_f: Callable[..., Any]) -> None:
        self._f = transform_f
        self._takes_meta = _takes_meta(transform_f)

    def bind(self, pipe: Any) -> "ItemTransform":
        """Told when the pipe is run; gives the step of this run."""
        return self

    def _call(self, item: Any, meta: Any) -> Any:
        return self._f(item, meta) if self._takes_meta else self._f(item)

    def __call__(self, item: Any, meta: Any = None) -> Any:
        return self._call(item, meta)


class MapItem(ItemTransform):
    """One item becomes another."""

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if isinstance(item, list):
            if not item:
                return item
            if self._takes_meta:
                return [self._f(one, meta) for one in item]
            function = self._f
            return [function(one) for one in item]
        return self._call(item, meta)


class FilterItem(ItemTransform):
    """Items for which the function is true go on."""

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if isinstance(item, list):
            if not item:
                return item
            kept = [one for one in item if self._call(one, meta)]
            return kept or None
        return item if self._call(item, meta) else None


class YieldMapItem(ItemTransform):
    """One item becomes several."""

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if isinstance(item, list):
            if not item:
                return item
            return self._each(item, meta)
        return self._call(item, meta)

    def _each(self, items: List[Any], meta: Any) -> Iterator[Any]:
        for one in items:
            yield from self._call(one, meta)


class MetricsItem(ItemTransform):
    """Sees items pass, and counts what it likes."""

    def __init__(self, metrics_f: Callable[[Any, Any, Dict[str, Any]], None]) -> None:
        self._f = metrics_f
        self.custom_metrics: Dict[str, Any] = {}

    def __call__(self, item: Any, meta: Any = None) -> Any:
        self._f(item, meta, self.custom_metrics)
        return item


class LimitItem(ItemTransform):
    """Lets items pass up to a number or a time."""

    placement_affinity = 1.1

    def __init__(
        self, max_items: Optional[int], max_time: Optional[float], count_rows: Optional[bool] = False
    ) -> None:
        self.max_items = -1 if max_items is None else max_items
        self.max_time = max_time
        self.count_rows = bool(count_rows)
        self._count = 0
        self.is_done = False
        self._started = 0.0

    def bind(self, pipe: Any) -> "LimitItem":
        fresh = LimitItem(self.max_items, self.max_time, self.count_rows)
        fresh._started = time.monotonic()
        fresh.is_done = self.max_items == 0
        return fresh

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if self.is_done:
            return None
        self._count += _rows_of(item) if self.count_rows else 1
        if (self.max_items >= 0 and self._count >= self.max_items) or (
            self.max_time is not None and time.monotonic() - self._started > self.max_time
        ):
            self.is_done = True
        return item


def _rows_of(item: Any) -> int:
    if isinstance(item, (list, tuple)):
        return sum(_rows_of(one) if hasattr(one, "num_rows") else 1 for one in item)
    for name in ("num_rows",):
        if hasattr(item, name):
            return int(getattr(item, name))
    if hasattr(item, "__arrow_c_stream__") and hasattr(item, "__len__"):
        return len(item)
    return 1


class ValidateItem(ItemTransform):
    """Checks items against a model."""

    placement_affinity = 0.9

    def __init__(self, model: Any, column_mode: str = "discard_value", data_mode: str = "freeze") -> None:
        self.model = model
        self.column_mode = column_mode
        self.data_mode = data_mode
        self.table_name: Optional[str] = None
        self._checked: Any = None

    def __repr__(self) -> str:
        return f"PydanticValidator(model={self.model.__qualname__})"

    def bind(self, pipe: Any) -> "ValidateItem":
        fresh = ValidateItem(self.model, self.column_mode, self.data_mode)
        fresh.table_name = pipe.name
        return fresh

    def _model(self) -> Any:
        if self._checked is None:
            from windlass.common.libs.pydantic import with_extra

            self._checked = with_extra(self.model, self.column_mode)
        return self._checked

    def __call__(self, item: Any, meta: Any = None) -> Any:
        from windlass.common.libs.pydantic import validate_item, validate_items

        if isinstance(item, list):
            if not item:
                return item
            checked = validate_items(
                self.table_name or "", self._model(), item, self.column_mode, self.data_mode
            )
            return checked or None
        return validate_item(self.table_name or "", self._model(), item, self.column_mode, self.data_mode)


class SelectTables(ItemTransform):
    """Lets only items of some tables pass."""

    def __init__(self, resource: Any, names: Any) -> None:
        self._resource = resource
        self._names = set(names)

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if isinstance(meta, TableNameMeta):
            return item if meta.table_name in self._names else None
        name = self._resource._hints.get("table_name")
        if callable(name):
            if isinstance(item, list):
                kept = [one for one in item if name(one) in self._names]
                return kept or None
            return item if name(item) in self._names else None
        return item if (name or self._resource.name) in self._names else None
