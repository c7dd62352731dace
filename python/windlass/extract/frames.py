"""Frames of polars in the form that the engine reads: computed, and without columns that have no type."""

from typing import Any


def is_lazy(data: Any) -> bool:
    """Whether this is a query of polars that was not asked yet."""
    kind = type(data)
    return kind.__name__ == "LazyFrame" and kind.__module__.partition(".")[0] == "polars"


def refuse_periods(frame: Any) -> None:
    """Raises TypeError for a column of spans of time such as months: Arrow has them as numbers without a meaning."""
    if isinstance(frame, list):
        for one in frame if frame and type(frame[0]) is not dict else ():
            if not isinstance(one, list):
                refuse_periods(one)
        return
    found = []
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas" and hasattr(frame, "columns"):
        names = [*frame.dtypes.items(), *_of_index(frame)]
        found = [name for name, kind in names if type(kind).__name__ == "PeriodDtype"]
    elif library == "pyarrow" and hasattr(frame, "schema"):
        found = [field.name for field in frame.schema if getattr(field.type, "extension_name", "") == "pandas.period"]
    if found:
        raise TypeError(
            f"the column `{found[0]}` of a frame is of type `pandas.Period`, of which Arrow has a number alone: turn it "
            "into texts or timestamps: frame[name].astype(str), or frame[name].dt.to_timestamp()"
        )


def _of_index(frame: Any) -> Any:
    index = frame.index
    return zip(index.names, index.dtypes) if hasattr(index, "dtypes") else [(index.name, index.dtype)]


def readable(frame: Any) -> Any:
    """The frame, or what a lazy one computes. Columns of nothing but nulls have no type, and are left out.

    Polars hands such columns out with a buffer, which Arrow's C interface does not allow them.
    """
    if is_lazy(frame):
        frame = frame.collect()
    schema = getattr(frame, "schema", None)
    if schema is None or not hasattr(frame, "cast"):
        return frame
    import polars

    plain = {name: _plain(polars, data_type) for name, data_type in schema.items()}
    changed = {name: data_type for name, data_type in plain.items() if data_type != schema[name]}
    if not changed:
        return frame
    empty = [name for name in changed if schema[name] == polars.Null]
    if len(empty) < len(schema) or frame.height == 0:
        frame = frame.drop(empty)
        changed = {name: data_type for name, data_type in changed.items() if name not in empty}
    return frame.cast(changed)


def _plain(polars: Any, data_type: Any) -> Any:
    """The type with a text in the place of each null type, since those within lists and structs cannot be left out."""
    if data_type == polars.Null:
        return polars.String
    if isinstance(data_type, polars.List):
        return polars.List(_plain(polars, data_type.inner))
    if isinstance(data_type, polars.Array):
        return polars.Array(_plain(polars, data_type.inner), data_type.size)
    if isinstance(data_type, polars.Struct):
        fields = [polars.Field(field.name, _plain(polars, field.dtype)) for field in data_type.fields]
        return polars.Struct(fields)
    return data_type
