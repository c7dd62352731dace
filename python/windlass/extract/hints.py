"""Hints of resources: how they are given, merged, and handed to the engine."""

import copy
import json
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from windlass.extract.exceptions import InconsistentTableTemplate
from windlass.extract.words import check_hints

#: Hints that may be functions of an item.
DYNAMIC = (
    "table_name",
    "parent_table_name",
    "write_disposition",
    "columns",
    "primary_key",
    "merge_key",
    "schema_contract",
    "table_format",
    "file_format",
    "references",
    "additional_table_hints",
)

#: The hints that the engine takes as they are.
_PLAIN = (
    "write_disposition",
    "primary_key",
    "merge_key",
    "schema_contract",
    "table_format",
    "file_format",
    "references",
    "max_table_nesting",
    "additional_table_hints",
)


def make_hints(
    table_name: Any = None,
    parent_table_name: Any = None,
    write_disposition: Any = None,
    columns: Any = None,
    primary_key: Any = None,
    merge_key: Any = None,
    schema_contract: Any = None,
    table_format: Any = None,
    file_format: Any = None,
    references: Any = None,
    incremental: Any = None,
    nested_hints: Any = None,
    additional_table_hints: Any = None,
    max_table_nesting: Any = None,
) -> Dict[str, Any]:
    """Hints as a dictionary; what is `None` is left out."""
    given = dict(locals())
    hints = {name: value for name, value in given.items() if value is not None}
    if "columns" in hints and is_model(hints["columns"]):
        set_model(hints, hints["columns"])
    return hints


def make_nested_hints(
    write_disposition: Any = None,
    columns: Any = None,
    primary_key: Any = None,
    merge_key: Any = None,
    schema_contract: Any = None,
    table_format: Any = None,
    file_format: Any = None,
    references: Any = None,
    additional_table_hints: Any = None,
) -> Dict[str, Any]:
    """Hints of a nested table as a dictionary."""
    hints = make_hints(**locals())
    hints.pop("validator", None)
    return hints


def is_model(value: Any) -> bool:
    """Whether this is a pydantic model."""
    return isinstance(value, type) and hasattr(value, "model_fields")


def set_model(hints: Dict[str, Any], model: Any) -> None:
    """Takes columns, contract and a validator from a pydantic model."""
    from windlass.common.libs.pydantic import contract_of, table_columns
    from windlass.extract.items import ValidateItem

    hints["original_columns"] = model
    hints["columns"] = table_columns(model)
    own = hints.get("schema_contract")
    contract = contract_of(model, own)
    hints["schema_contract"] = contract
    hints["validator"] = ValidateItem(model, contract.get("columns", "evolve"), contract.get("data_type", "freeze"))


def ensure_columns(columns: Any) -> Dict[str, Dict[str, Any]]:
    """Columns by name, whatever form they have."""
    if columns is None:
        return {}
    if is_model(columns):
        from windlass.common.libs.pydantic import table_columns

        return table_columns(columns)
    if isinstance(columns, Mapping):
        return {name: {"name": name, **(hints or {})} for name, hints in columns.items()}
    if hasattr(columns, "names") and hasattr(columns, "field"):
        return _arrow_columns(columns)
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        found = {}
        for hints in columns:
            if "name" not in hints:
                raise ValueError("a column in a list of columns needs a `name`")
            found[hints["name"]] = dict(hints)
        return found
    raise ValueError(
        f"columns of type `{type(columns).__name__}` cannot be: give a dict, a list of dicts with `name`, "
        "a pydantic model or an Arrow schema"
    )


def _arrow_columns(schema: Any) -> Dict[str, Dict[str, Any]]:
    """The columns of an Arrow schema."""
    import pyarrow as pa
    import pyarrow.types as t

    found: Dict[str, Dict[str, Any]] = {}
    for field in schema:
        kind = field.type
        hints: Dict[str, Any] = {"name": field.name, "nullable": field.nullable}
        if t.is_string(kind) or t.is_large_string(kind):
            hints["data_type"] = "text"
        elif t.is_floating(kind):
            hints["data_type"] = "double"
        elif t.is_boolean(kind):
            hints["data_type"] = "bool"
        elif t.is_timestamp(kind):
            hints["data_type"] = "timestamp"
            hints["precision"] = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
            if kind.tz is None:
                hints["timezone"] = False
        elif t.is_date(kind):
            hints["data_type"] = "date"
        elif t.is_time(kind):
            hints["data_type"] = "time"
            hints["precision"] = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        elif t.is_integer(kind):
            hints["data_type"] = "bigint"
            if kind.bit_width != 64:
                hints["precision"] = kind.bit_width
        elif t.is_decimal(kind):
            hints.update(data_type="decimal", precision=kind.precision, scale=kind.scale)
        elif t.is_nested(kind):
            hints["data_type"] = "json"
        elif t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind):
            hints["data_type"] = "binary"
        elif isinstance(kind, pa.DictionaryType):
            hints["data_type"] = "text"
        found[field.name] = hints
    return found


def validate_dynamic(hints: Mapping[str, Any]) -> None:
    """A table's hints can depend on the item only if its name does."""
    dynamic = [name for name in DYNAMIC if callable(hints.get(name)) and not is_model(hints.get(name))]
    if dynamic and "table_name" not in dynamic:
        raise InconsistentTableTemplate(
            reason=f"Table name `{hints.get('table_name')}` must be a function if any other table hint is a "
            f"function: {', '.join(dynamic)}"
        )


def has_dynamic_name(hints: Mapping[str, Any]) -> bool:
    """Whether items name their table."""
    return callable(hints.get("table_name"))


def has_other_dynamic(hints: Mapping[str, Any]) -> bool:
    """Whether hints beside the name depend on the item."""
    return any(callable(hints.get(name)) for name in DYNAMIC if name != "table_name")


def resolve_hints(hints: Mapping[str, Any], item: Any) -> Dict[str, Any]:
    """The hints for one item."""
    return {
        name: value(item) if name in DYNAMIC and callable(value) and not is_model(value) else value
        for name, value in hints.items()
    }


def apply_hints(hints: Dict[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """The hints with others applied: `None` leaves a hint, an empty value removes it, columns are merged."""
    merged = copy.copy(hints)
    for name, value in given.items():
        if value is None:
            continue
        if name == "columns":
            _apply_columns(merged, value)
        elif name == "references" and not callable(value) and not callable(merged.get(name)):
            by_table = {ref["referenced_table"]: ref for ref in merged.get("references") or []}
            by_table.update({ref["referenced_table"]: ref for ref in value})
            merged["references"] = list(by_table.values()) if value else []
        elif isinstance(value, (str, list, tuple, dict)) and len(value) == 0:
            merged.pop(name, None)
            if name in ("primary_key", "merge_key"):
                _drop_flag(merged, name)
        else:
            merged[name] = value
    if "schema_contract" in given and given["schema_contract"] is not None and "original_columns" in merged:
        set_contract_of_model(merged)
    validate_dynamic(merged)
    return merged


def set_contract_of_model(hints: Dict[str, Any]) -> None:
    """Brings the validator in line with the contract."""
    from windlass.common.libs.pydantic import contract_of
    from windlass.extract.items import ValidateItem

    contract = contract_of(hints["original_columns"], hints.get("schema_contract"))
    hints["schema_contract"] = contract
    hints["validator"] = ValidateItem(
        hints["original_columns"], contract.get("columns", "evolve"), contract.get("data_type", "freeze")
    )


def _drop_flag(hints: Dict[str, Any], flag: str) -> None:
    columns = hints.get("columns")
    if isinstance(columns, dict):
        hints["columns"] = {
            name: {key: value for key, value in column.items() if key != flag}
            for name, column in columns.items()
        }


def _apply_columns(hints: Dict[str, Any], columns: Any) -> None:
    if is_model(columns):
        set_model(hints, columns)
        return
    if callable(columns):
        hints["columns"] = columns
        return
    columns = ensure_columns(columns)
    if not columns:
        hints.pop("columns", None)
        return
    known = hints.get("columns")
    merged = {} if known is None or callable(known) else ensure_columns(known)
    for name, column in columns.items():
        merged[name] = {**merged.get(name, {}), **column}
    hints["columns"] = merged


def _keys(value: Any) -> Any:
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value


def _disposition(value: Any) -> Any:
    """A write disposition with its times as texts."""
    if not isinstance(value, Mapping):
        return value
    options = {name: option for name, option in value.items() if option is not None}
    for name in ("boundary_timestamp", "active_record_timestamp"):
        option = options.get(name)
        if option is not None and not isinstance(option, str):
            options[name] = option.isoformat()
    if "validity_column_names" in options:
        options["validity_column_names"] = list(options["validity_column_names"])
    return options


def engine_hints(hints: Mapping[str, Any], cursor_column: Optional[str] = None) -> Dict[str, Any]:
    """Hints as the engine takes them."""
    out: Dict[str, Any] = {}
    name = hints.get("table_name")
    if name:
        out["table_name"] = name
    for key in _PLAIN:
        value = hints.get(key)
        if value is not None and not (isinstance(value, (str, list, tuple, dict)) and len(value) == 0):
            out[key] = value
    for key in ("primary_key", "merge_key"):
        if key in out:
            out[key] = _keys(out[key])
    if out.get("file_format") == "preferred":
        del out["file_format"]
    if "write_disposition" in out:
        out["write_disposition"] = _disposition(out["write_disposition"])
    columns = ensure_columns(hints.get("columns"))
    if cursor_column:
        columns = {name: dict(column) for name, column in columns.items()}
        for key in ("primary_key", "merge_key"):
            names = out.get(key) or []
            for name in [names] if isinstance(names, str) else names:
                # The column of the cursor comes behind those of the keys.
                columns.setdefault(name, {"name": name})
        columns.setdefault(cursor_column, {"name": cursor_column})["incremental"] = True
    if columns:
        out["columns"] = {name: _plain_column(column) for name, column in columns.items()}
    nested = hints.get("nested_hints")
    if nested:
        out["nested_hints"] = {
            path if isinstance(path, str) else ".".join(path): engine_hints(own)
            for path, own in nested.items()
        }
    if hints.get("parent_table_name"):
        out.setdefault("additional_table_hints", {})
    return out


def _plain_column(column: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in column.items() if value is not None}


def to_json(hints: Mapping[str, Any]) -> str:
    """Hints as JSON; values that JSON lacks become text."""
    return json.dumps(hints, default=_json_default)


def _json_default(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "value"):
        return value.value
    return str(value)


class Target:
    """A table that an item goes to, if not its resource's own."""

    __slots__ = ("id", "name", "hints")
    _count = 0

    def __init__(self, name: str, hints: str) -> None:
        Target._count += 1
        self.id = Target._count
        self.name = name
        self.hints = hints


class TargetBook:
    """The tables that came up in one extraction, each once."""

    def __init__(self) -> None:
        self._targets: Dict[Tuple[str, str, str], Target] = {}

    def target(self, resource: str, name: str, hints: Mapping[str, Any]) -> Target:
        """The table with this name and these hints."""
        check_hints(hints, f"resource `{resource}`, table `{name}`")
        text = to_json({key: value for key, value in hints.items() if key != "table_name"})
        key = (resource, name, text)
        known = self._targets.get(key)
        if known is None:
            known = self._targets[key] = Target(name, text)
        return known
