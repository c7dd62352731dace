"""Pydantic models as columns, contract and validator."""

import datetime
import decimal
import enum
import inspect
import typing
import uuid
from typing import Any, Dict, List, Optional

from windlass.common.configuration.coerce import inner_type, is_optional, is_union
from windlass.common.schema.exceptions import DataValidationError

_EXTRA_OF_MODE = {"evolve": "allow", "freeze": "forbid", "discard_value": "ignore", "discard_row": "forbid"}
_MODE_OF_EXTRA = {"allow": "evolve", "forbid": "freeze", "ignore": "discard_value"}

_TYPES = (
    (bool, "bool"),
    (enum.Enum, "text"),
    (str, "text"),
    (int, "bigint"),
    (float, "double"),
    (datetime.datetime, "timestamp"),
    (datetime.date, "date"),
    (datetime.time, "time"),
    (decimal.Decimal, "decimal"),
    (bytes, "binary"),
    (uuid.UUID, "text"),
    ((dict, list, set, tuple, frozenset), "json"),
)


class DltConfig(typing.TypedDict, total=False):
    """Settings of a model, as its class variable `dlt_config`."""

    skip_nested_types: bool
    skip_complex_types: bool
    return_validated_models: bool
    is_authoritative_model: bool


def _data_type(hint: Any) -> Optional[str]:
    hint = inner_type(hint)
    if is_union(hint):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return _data_type(members[0])
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return _data_type(type(typing.get_args(hint)[0]))
    target = origin or hint
    if not inspect.isclass(target):
        return None
    if hasattr(target, "model_fields"):
        return "json"
    if issubclass(target, enum.Enum):
        values = {type(member.value) for member in target}
        return _data_type(values.pop()) if len(values) == 1 else "text"
    for kind, name in _TYPES:
        if issubclass(target, kind):  # type: ignore[arg-type]
            return name
    return "json" if hasattr(target, "__getitem__") else None


def _config(model: Any) -> Dict[str, Any]:
    return dict(getattr(model, "dlt_config", None) or {})


def table_columns(model: Any) -> Dict[str, Dict[str, Any]]:
    """The columns of a model, by name."""
    config = _config(model)
    skips = config.get("skip_nested_types") or config.get("skip_complex_types")
    columns: Dict[str, Dict[str, Any]] = {}
    for name, field in model.model_fields.items():
        name = field.alias or name
        data_type = _data_type(field.annotation)
        if data_type is None or (skips and data_type == "json"):
            continue
        columns[name] = {"name": name, "data_type": data_type, "nullable": is_optional(field.annotation)}
    return columns


def contract_of(model: Any, own: Any = None) -> Dict[str, str]:
    """The contract of a model: its `extra` says what new columns may do, unless the resource says it."""
    extra = model.model_config.get("extra") or "ignore"
    contract = {"tables": "evolve", "columns": _MODE_OF_EXTRA[extra], "data_type": "freeze"}
    if isinstance(own, str):
        contract = {"tables": own, "columns": own, "data_type": own}
    elif own:
        contract = dict(own)
    return contract


def with_extra(model: Any, column_mode: str) -> Any:
    """The model with what the contract says about new columns."""
    from pydantic import create_model

    wanted = _EXTRA_OF_MODE[column_mode]
    if (model.model_config.get("extra") or "ignore") == wanted:
        return model
    config = {**model.model_config, "extra": wanted}
    return create_model(model.__name__, __base__=model, __cls_kwargs__=config)


def validate_items(
    table_name: str, model: Any, items: List[Any], column_mode: str, data_mode: str
) -> List[Any]:
    """The items that pass, as models."""
    found = []
    for item in items:
        checked = validate_item(table_name, model, item, column_mode, data_mode)
        if checked is not None:
            found.append(checked)
    return found


def validate_item(table_name: str, model: Any, item: Any, column_mode: str, data_mode: str) -> Any:
    """The item as a model; `None` if the contract leaves it out."""
    from pydantic import ValidationError

    try:
        raw = item.model_dump(by_alias=True) if hasattr(item, "model_dump") else item
        return model.model_validate(raw)
    except ValidationError as cause:
        for error in cause.errors():
            is_extra = error["type"] == "extra_forbidden"
            mode = column_mode if is_extra else data_mode
            entity = "columns" if is_extra else "data_type"
            if mode == "freeze":
                column = ".".join(str(part) for part in error["loc"])
                raise DataValidationError(
                    None,
                    table_name,
                    column,
                    entity,
                    mode,
                    None,
                    {"columns": column_mode, "data_type": data_mode},
                    item,
                    cause,
                    message=f"In schema: <Unknown>: In Table: `{table_name}` Column: `{column}` . Contract on "
                    f"`{entity}` with contract `mode=freeze` is violated. Model `{model.__name__}`: {cause}",
                ) from cause
            if mode == "discard_row":
                return None
            if mode == "discard_value" and not is_extra:
                raise NotImplementedError("`data_type` with `discard_value` is not possible for models") from cause
        return item


