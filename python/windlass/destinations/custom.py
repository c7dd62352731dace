"""`@dlt.destination`: a Python function as destination."""

import functools
import inspect
import json
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from windlass.common.configuration.inject import inject
from windlass.common.exceptions import TerminalException
from windlass.common.storages.local_files import write_private
from windlass.destinations.factory import Destination, from_reference

#: Attempts to hand over a batch.
ATTEMPTS = 5


class CustomDestination(Destination):
    """A Python function that gets the rows of each table."""

    kind = "destination"
    needs_dataset = False

    def __init__(self, function: Callable[..., Any], options: Dict[str, Any], given: Dict[str, Any]) -> None:
        self._destination_name = options.get("name") or getattr(function, "__name__", None)
        self.environment = given.pop("environment", None)
        self.config_params = given
        self._function = function
        self._options = options
        self._lock = threading.Lock()
        self.working_dir: Optional[Path] = None

    @property
    def naming(self) -> str:
        """The naming convention of its tables."""
        return str(self._options["naming_convention"])

    @property
    def max_table_nesting(self) -> Optional[int]:
        """Levels of nesting that become tables."""
        return self._options["max_table_nesting"]  # type: ignore[no-any-return]

    def description(self, pipeline_name: str) -> Dict[str, Any]:
        """The destination as the engine takes it."""
        return {
            "kind": self.kind,
            "sink": {
                "batch_size": self._options["batch_size"],
                "as_arrow": self._options["loader_file_format"] == "parquet",
                "skips_system": self._options["skip_dlt_columns_and_tables"],
            },
        }

    @property
    def sink(self) -> Callable[..., None]:
        """What the engine calls: load id, file, table (JSON), rows before, rows."""
        return self._receive

    def _done_path(self, load_id: str) -> Optional[Path]:
        folder = self.working_dir
        return None if folder is None else folder / "packages" / load_id / "sink.json"

    def _done(self, load_id: str) -> Dict[str, int]:
        path = self._done_path(load_id)
        if path is None or not path.exists():
            return {}
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def _receive(self, load_id: str, file: str, table_json: str, before: int, rows: Any) -> None:
        with self._lock:
            done = self._done(load_id)
            if done.get(file, -1) >= before and (done.get(file, 0) > before or isinstance(rows, str)):
                return
            table = json.loads(table_json)
            items = self._items(rows, table)
            self._call(items, table)
            done[file] = before + (len(items) if isinstance(items, list) else getattr(rows, "num_rows", 0))
            path = self._done_path(load_id)
            if path is not None and path.parent.exists():
                write_private(path, json.dumps(done))

    def _items(self, rows: Any, table: Dict[str, Any]) -> Any:
        if isinstance(rows, str):
            return rows
        if not isinstance(rows, list):
            import pyarrow as pa

            return pa.table(rows).combine_chunks().to_batches()[0]
        nested = [name for name, column in table["columns"].items() if column.get("data_type") == "json"]
        for row in rows:
            for name in nested:
                if isinstance(row.get(name), str):
                    row[name] = json.loads(row[name])
        # What a row does not have is not in it.
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    def _call(self, items: Any, table: Dict[str, Any]) -> None:
        sections = ("destination", self.destination_name)
        bound = inject(self._function, (items, table), self._given(), sections)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._function(*bound.args, **bound.kwargs)
                return
            except TerminalException:
                raise
            except Exception:
                if attempt == ATTEMPTS:
                    raise

    def _given(self) -> Dict[str, Any]:
        names = inspect.signature(self._function).parameters
        return {name: value for name, value in self.config_params.items() if name in names}

    def __repr__(self) -> str:
        return f"<dlt.destinations.destination(destination_name='{self.destination_name}')>"


class Dummy(CustomDestination):
    """A destination that takes everything and keeps nothing."""

    def __init__(self, credentials: Any = None, **options: Any) -> None:
        options.pop("destination_name", None)
        super().__init__(_ignore, _options(name="dummy", batch_size=100_000, naming_convention="snake_case"), options)
        self._options["max_table_nesting"] = None


def _ignore(items: Any, table: Any) -> None:
    """Takes rows and does nothing with them."""


def _options(**given: Any) -> Dict[str, Any]:
    options: Dict[str, Any] = {
        "loader_file_format": None,
        "batch_size": 10,
        "name": None,
        "naming_convention": "direct",
        "skip_dlt_columns_and_tables": True,
        "max_table_nesting": 0,
    }
    options.update(given)
    return options


def destination(
    func_or_name: Any = None,
    /,
    *,
    loader_file_format: Optional[str] = None,
    batch_size: int = 10,
    name: Optional[str] = None,
    naming_convention: str = "direct",
    skip_dlt_columns_and_tables: bool = True,
    max_table_nesting: Optional[int] = 0,
    spec: Any = None,
    max_parallel_load_jobs: Optional[int] = None,
    loader_parallelism_strategy: Optional[str] = None,
    **kwargs: Any,
) -> Any:
    """Makes a destination of a function, or names one that the engine has."""
    if loader_file_format not in (None, "typed-jsonl", "parquet"):
        raise ValueError(
            f"a custom destination takes `typed-jsonl` or `parquet`, not loader_file_format=`{loader_file_format}`"
        )
    if isinstance(func_or_name, str) and (kwargs.get("destination_type") or "." not in func_or_name):
        kind = kwargs.pop("destination_type", None)
        if kind is not None:
            import windlass.destinations as known

            factory = getattr(known, str(kind).rsplit(".", 1)[-1])
            return factory(destination_name=func_or_name, **kwargs)
        found = from_reference(func_or_name)
        return type(found)(**kwargs) if kwargs and found is not None else found
    options = _options(
        loader_file_format=loader_file_format,
        batch_size=batch_size,
        name=name,
        naming_convention=naming_convention,
        skip_dlt_columns_and_tables=skip_dlt_columns_and_tables,
        max_table_nesting=max_table_nesting,
    )

    def make(function: Callable[..., Any]) -> Callable[..., CustomDestination]:
        @functools.wraps(function)
        def build(*_: Any, **given: Any) -> CustomDestination:
            return CustomDestination(function, dict(options), {**kwargs, **given})

        return build

    if func_or_name is None:
        return make
    if isinstance(func_or_name, str):
        import importlib

        module, _, attribute = func_or_name.rpartition(".")
        return make(getattr(importlib.import_module(module), attribute))()
    if callable(func_or_name):
        # Without decoration the function becomes a destination at once.
        return make(func_or_name)
    raise ValueError(f"`{func_or_name!r}` is neither a function nor the name of a destination")
