"""Incremental loading: the cursor of a resource. The engine decides which rows belong to a run."""

from typing import Any, Dict, Generic, Optional, Tuple, TypeVar

from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.exceptions import choices
from windlass.extract.context import EXTRACTION, resource_state
from windlass.extract.exceptions import IncrementalUnboundError
from windlass.extract.incremental.errors import translated
from windlass.extract.items import ItemTransform

TCursorValue = TypeVar("TCursorValue")

_OPTIONS = (
    "cursor_path",
    "initial_value",
    "last_value_func",
    "primary_key",
    "end_value",
    "row_order",
    "allow_external_schedulers",
    "on_cursor_value_missing",
    "lag",
    "range_start",
    "range_end",
)

#: Records with the same last value after which there is a warning.
WARN_BOUNDARY = 200


#: The values of the options that are words.
_WORDS: Dict[str, Tuple[Optional[str], ...]] = {
    "on_cursor_value_missing": ("raise", "include", "exclude"),
    "row_order": (None, "asc", "desc"),
    "range_start": ("closed", "open"),
    "range_end": ("closed", "open"),
}


def check_words(**options: Any) -> None:
    """Raises `ValueError` for an option of a cursor that is none of its words."""
    for name, value in options.items():
        if name in _WORDS and value not in _WORDS[name]:
            raise ValueError(f"{name}=`{value}` cannot be: {choices(value, _WORDS[name])}")


class Incremental(ItemTransform, Generic[TCursorValue]):
    """The cursor of a resource: which rows are new since the last run."""

    placement_affinity = 1

    #: In place of a cursor: takes away the one that a resource has.
    EMPTY: Any = None

    def __init__(
        self,
        cursor_path: Optional[str] = None,
        initial_value: Optional[TCursorValue] = None,
        last_value_func: Any = max,
        primary_key: Any = None,
        end_value: Optional[TCursorValue] = None,
        row_order: Optional[str] = None,
        allow_external_schedulers: Optional[bool] = None,
        on_cursor_value_missing: str = "raise",
        lag: Optional[float] = None,
        range_start: str = "closed",
        range_end: str = "open",
    ) -> None:
        check_words(
            on_cursor_value_missing=on_cursor_value_missing, row_order=row_order, range_start=range_start, range_end=range_end
        )
        self.cursor_path = cursor_path
        self.initial_value = initial_value
        self.last_value_func = last_value_func
        self._primary_key = primary_key
        self.end_value = end_value
        self.row_order = row_order
        self.allow_external_schedulers = allow_external_schedulers
        self.on_cursor_value_missing = on_cursor_value_missing
        self.lag = lag
        self.range_start = range_start
        self.range_end = range_end
        self.resource_name: Optional[str] = None
        self._hinted_key: Any = None
        self._cursor: Any = None
        self._extraction: Any = None
        self._moved_to: Any = None
        self._is_moved = False
        self._is_reversed = False
        self._is_unordered = False
        self._declared: Any = None
        self.is_done = False
        self.end_out_of_range = False
        self.start_out_of_range = False
        self._unfiltered = [0, 0]
        self._known_hashes = 0
        self._given = {
            name
            for name, value in (
                ("initial_value", initial_value),
                ("end_value", end_value),
                ("row_order", row_order),
                ("lag", lag),
            )
            if value is not None
        }

    def __class_getitem__(cls, item: Any) -> Any:
        return super().__class_getitem__(item)  # type: ignore[misc]

    # -- options

    @property
    def primary_key(self) -> Any:
        """What identifies a row, for rows that have the last value."""
        return self._primary_key if self._primary_key is not None else self._hinted_key

    @primary_key.setter
    def primary_key(self, value: Any) -> None:
        self._primary_key = value

    def set_deduplication_key(self, value: Any, from_hints: bool) -> None:
        """Sets what identifies a row; the resource's own key only counts if the cursor has none."""
        if from_hints:
            self._hinted_key = value
        else:
            self._primary_key = value

    def copy(self, with_transient_state: bool = False) -> "Incremental[TCursorValue]":
        """The same options, not yet bound to a resource."""
        fresh = type(self)(**{name: self._option(name) for name in _OPTIONS})
        fresh._hinted_key = self._hinted_key
        fresh._given = set(self._given)
        if with_transient_state:
            fresh._cursor = self._cursor
            fresh.resource_name = self.resource_name
        return fresh

    def _option(self, name: str) -> Any:
        return self._primary_key if name == "primary_key" else getattr(self, name)

    def with_cursor(self, cursor: str) -> "Incremental[TCursorValue]":
        """The same options with another cursor."""
        fresh = self.copy()
        fresh.cursor_path = cursor
        return fresh

    def merge(self, other: "Incremental[TCursorValue]") -> "Incremental[TCursorValue]":
        """These options, overridden by those that the other one gives."""
        defaults: Incremental[Any] = Incremental()
        options = {name: self._option(name) for name in _OPTIONS}
        for name in _OPTIONS:
            value = other._option(name)
            if value is not None and value != defaults._option(name):
                options[name] = value
        merged = type(self)(**options)
        merged._hinted_key = other._hinted_key if other._hinted_key is not None else self._hinted_key
        return merged

    @classmethod
    def ensure_instance(cls, value: Any) -> "Incremental[Any]":
        """An instance from an instance, a dict of options, or an initial value."""
        if isinstance(value, Incremental):
            return value
        if isinstance(value, dict):
            return cls(**value)
        raise ValueError(f"`{value}` is not a dlt.sources.incremental")

    @classmethod
    def from_existing_state(cls, resource_name: str, cursor_path: str) -> "Incremental[Any]":
        """A cursor that is at the place where the state of a resource has it."""
        entry = resource_state(resource_name).get("incremental", {}).get(cursor_path, {})
        instance = cls(cursor_path, initial_value=entry.get("initial_value"))
        instance._moved_to = entry.get("last_value")
        instance._is_moved = bool(entry)
        instance.resource_name = resource_name
        return instance

    def get_cursor_column_name(self) -> Optional[str]:
        """The column of the cursor, if it is one."""
        if not self.cursor_path:
            return None
        from windlass._native import native

        return native().cursor_column(self.cursor_path)  # type: ignore[no-any-return]

    def order_for_engine(self) -> Optional[Dict[str, Any]]:
        """By what the engine tells the newest of several rows with one key; `None` where it cannot."""
        for func, name in ((max, "max"), (min, "min")):
            if self.cursor_path and (self.last_value_func is func or self.last_value_func == name):
                return {"cursor_path": self.cursor_path, "last_value_func": name}
        return None

    def _engine_options(self) -> Dict[str, Any]:
        func = self.last_value_func
        names = {max: "max", min: "min", "max": "max", "min": "min"}
        try:
            func_name = names.get(func)
        except TypeError:
            func_name = None
        if func_name is None:
            raise ConfigurationValueError(
                f"last_value_func of the cursor `{self.cursor_path}` is `{getattr(func, '__name__', func)}`: windlass "
                "has `max` and `min`; map the value that decides into a field with add_map and use that as cursor_path"
            )
        options: Dict[str, Any] = {
            "cursor_path": self.cursor_path,
            "initial_value": self.initial_value,
            "end_value": self.end_value,
            "last_value_func": func_name,
            "on_cursor_value_missing": self.on_cursor_value_missing,
            "range_start": self.range_start,
            "range_end": self.range_end,
        }
        if self.row_order is not None and not self._is_unordered:
            options["row_order"] = {"asc": "desc", "desc": "asc"}[self.row_order] if self._is_reversed else self.row_order
        if self.lag:
            options["lag"] = float(self.lag)
        if self._primary_key is not None and not callable(self._primary_key):
            key = self._primary_key
            options["primary_key"] = key if isinstance(key, str) else list(key)
        if callable(self._primary_key):
            raise ConfigurationValueError(
                "primary_key of a cursor is a function: windlass takes names of columns; add the key as a field by add_map"
            )
        return options

    # -- the run

    def _join_scheduler(self) -> None:
        """Takes the range that a scheduler sets, where the cursor asks for it."""
        from windlass.extract.incremental.scheduler import is_wanted, join

        if is_wanted(self.allow_external_schedulers):
            join(self)
        elif self._declared is not None:
            self.initial_value, self.end_value = self._declared

    def bind(self, pipe: Any) -> "Incremental[TCursorValue]":
        """Opens the cursor for one run. The instance itself is bound: functions hold on to it."""
        extraction = EXTRACTION.get()
        if self._extraction is not None and self._extraction is extraction and self._cursor is not None:
            return self
        self._extraction = extraction
        self.resource_name = pipe.name
        self._join_scheduler()
        self.is_done = self.end_out_of_range = self.start_out_of_range = False
        self._is_moved = False
        self._unfiltered = [0, 0]
        from windlass._native import native

        dumps = native().typed_dumps
        entry = None
        if extraction is not None and self.end_value is None:
            entry = (
                extraction.state.get("resources", {}).get(pipe.name, {}).get("incremental", {}).get(self.cursor_path)
            )
        self._known_hashes = len((entry or {}).get("unique_hashes") or [])
        key = self._hinted_key
        key = None if key is None or callable(key) else key if isinstance(key, str) else list(key)
        with translated(self, None):
            self._cursor = native().Cursor(
                dumps(self._engine_options()), None if key is None else dumps(key), None if entry is None else dumps(entry),
                None if extraction is None else extraction.declared_type(pipe, self.get_cursor_column_name()),
            )
        self.save()
        return self

    def order_by_growth(self, pipe: Any) -> None:
        """Takes `row_order` for the order in which the cursor grows, as queries of databases have it.

        Elsewhere it is the order of the values; the two differ where the cursor grows downwards.
        """
        if self.row_order is not None and self.last_value_func in (min, "min"):
            self._is_reversed = True
            self._extraction = None
            self.bind(pipe)

    def drop_order(self, pipe: Any) -> None:
        """Takes no order for granted: rows come in another one than that of the values."""
        self._is_unordered = True
        self._extraction = None
        self.bind(pipe)

    def save(self) -> None:
        """Writes what is known of the cursor into the state of the source."""
        extraction = EXTRACTION.get()
        if extraction is None or self._cursor is None or self.end_value is not None:
            return
        from windlass._native import native

        text = self._cursor.entry()
        if text is None:
            return
        entry = native().typed_loads(text)
        if self._is_moved:
            entry["last_value"] = self._moved_to
        resources = extraction.state.setdefault("resources", {})
        cursors = resources.setdefault(self.resource_name, {}).setdefault("incremental", {})
        cursors[self.cursor_path] = entry

    def _bound(self) -> Any:
        if self._cursor is None:
            raise IncrementalUnboundError(
                self.cursor_path,
                msg=f"The cursor `{self.cursor_path}` is not bound to a resource: its values are known while the "
                "resource is extracted",
            )
        return self._cursor

    def _value(self, text: Optional[str]) -> Any:
        from windlass._native import native

        return None if text is None else native().typed_loads(text)

    @property
    def last_value(self) -> Optional[TCursorValue]:
        """The furthest value so far."""
        if self._is_moved:
            return self._moved_to
        return self._value(self._bound().last_value())  # type: ignore[no-any-return]

    @property
    def start_value(self) -> Optional[TCursorValue]:
        """Where this run starts, the lag applied."""
        return self._value(self._bound().start_value())

    def get_current_range(self, apply_lag: bool = True) -> Tuple[Any, Any]:
        """The range of this run."""
        return (self.start_value if apply_lag else self.last_value), self.end_value

    def get_state(self) -> Dict[str, Any]:
        """What the state holds of the cursor."""
        entry = self._value(self._bound().entry())
        if entry is None:
            return {"initial_value": self.initial_value, "last_value": self.last_value, "unique_hashes": []}
        return dict(entry)

    def advance(self, last_value: TCursorValue) -> "Incremental[TCursorValue]":
        """Moves the cursor by hand; rows pass from now on."""
        self._moved_to = last_value
        self._is_moved = True
        self.save()
        return self

    def can_close(self) -> bool:
        """Whether no later row can belong to the range."""
        return self.is_done

    @property
    def custom_metrics(self) -> Dict[str, Any]:
        return {
            "unfiltered_items_count": self._unfiltered[0],
            "unfiltered_batches_count": self._unfiltered[1],
            "initial_unique_hashes_count": self._known_hashes,
            "final_unique_hashes_count": self._cursor.boundary_records if self._cursor is not None else 0,
        }

    def __call__(self, item: Any, meta: Any = None) -> Any:
        if self._is_moved:
            return item
        cursor = self._bound()
        if isinstance(item, list):
            if not item:
                return item
            if hasattr(item[0], "__arrow_c_stream__") or hasattr(item[0], "__arrow_c_array__"):
                kept = [frame for frame in (self._columns(one) for one in item) if frame is not None]
                return kept or None
            self._unfiltered[0] += len(item)
            self._unfiltered[1] += 1
            with translated(self, item):
                rows, is_past = cursor.rows(item)
            self._past(is_past)
            return rows or None
        if hasattr(item, "__arrow_c_stream__") or hasattr(item, "__arrow_c_array__"):
            return self._columns(item)
        from windlass._native import native

        if isinstance(item, native().Rows):
            with translated(self, item):
                written, is_past = cursor.lines(item)
            self._past(is_past)
            return written if len(written) else None
        self._unfiltered[0] += 1
        self._unfiltered[1] += 1
        with translated(self, item):
            rows, is_past = cursor.rows([item])
        self._past(is_past)
        return item if rows else None

    def _past(self, is_past: bool) -> None:
        if is_past:
            self.is_done = True
            if self.end_value is not None:
                self.end_out_of_range = True
            else:
                self.start_out_of_range = True

    def _columns(self, frame: Any) -> Any:
        with translated(self, frame):
            kept, is_past = self._bound().columns(frame)
        self._past(is_past)
        return kept if kept.num_rows else None

    def __repr__(self) -> str:
        return f"incremental(cursor_path={self.cursor_path!r}, initial_value={self.initial_value!r})"

    __str__ = __repr__
