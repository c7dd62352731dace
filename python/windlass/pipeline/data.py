"""Turning what is given to `run` into sources."""

from typing import Any, Dict, List

from windlass._native import native
from windlass.extract.decorators import SOURCES, SourceFactory
from windlass.extract.exceptions import InvalidResourceDataTypeBasic, UnknownSourceReference
from windlass.extract.items import is_frame
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource

_HINTS = ("table_name", "parent_table_name", "write_disposition", "columns", "primary_key", "table_format", "schema_contract")


def sources_of(pipeline: Any, data: Any, *, schema: Any = None, file_format: Any = None, **hints: Any) -> List[DltSource]:
    """The sources of the data, by the order of their names, with the hints of the run applied."""
    items = _flat(pipeline, data, hints.get("table_name"), hints.get("write_disposition"))
    sources: List[DltSource] = []
    bare: List[DltResource] = []
    for item in items:
        if isinstance(item, DltSource):
            if schema is not None:
                item.schema = schema
            sources.append(item)
        else:
            bare.append(item)
    sources += _grouped(pipeline, bare, schema)
    given = {name: hints[name] for name in _HINTS if hints.get(name) is not None}
    if file_format is not None:
        given["file_format"] = file_format
    for source in sources:
        if given:
            for resource in source.resources.extracted.values():
                resource.apply_hints(**given)
        if hints.get("schema_contract") is not None:
            source.schema_contract = hints["schema_contract"]
    return sorted(sources, key=lambda source: source.name)


def _flat(pipeline: Any, data: Any, table_name: Any, write_disposition: Any) -> List[Any]:
    if isinstance(data, (DltSource, DltResource)):
        return [data]
    if isinstance(data, SourceFactory):
        return [data()]
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (DltSource, DltResource, SourceFactory)):
        found = []
        for item in data:
            if isinstance(item, SourceFactory):
                item = item()
            if not isinstance(item, (DltSource, DltResource)):
                item = _from_data(item, table_name)
            found.append(item)
        return found
    if isinstance(data, str):
        factory = SOURCES.get(data)
        if factory is None:
            factory = _builtin_source(data)
        if factory is None:
            raise InvalidResourceDataTypeBasic(
                data,
                data,
                str,
                msg=f"`{data}` is neither rows nor the name of a source: rows come as a list, a generator or a frame",
            )
        return [factory()]
    return [_from_data(data, table_name)]


def _builtin_source(name: str) -> Any:
    import importlib

    short = name.split(".")[-1]
    try:
        module = importlib.import_module(f"windlass.sources.{short}")
    except ImportError:
        return None
    return getattr(module, short, None)


def _from_data(data: Any, table_name: Any) -> DltResource:
    name = table_name if isinstance(table_name, str) else None
    if is_frame(data):
        data = [data]
    # A function may be a source without saying so.
    resource = DltResource.from_data(data, name=name or getattr(data, "__name__", None), hints={"write_disposition": "append"})
    return resource


def _grouped(pipeline: Any, resources: List[DltResource], schema: Any) -> List[DltSource]:
    """Sources for resources that belong to none: a name occurs once in each."""
    groups: List[Dict[str, DltResource]] = []
    for resource in resources:
        for group in groups:
            if resource.name not in group:
                group[resource.name] = resource
                break
        else:
            groups.append({resource.name: resource})
    found = []
    for group in groups:
        members = list(group.values())
        sections = {resource.section for resource in members}
        section = sections.pop() if len(sections) == 1 else pipeline.pipeline_name
        name = schema.name if schema is not None else _default_name(pipeline)
        source = DltSource.of_resources(name, section, members)
        source.is_adhoc = True
        if schema is not None:
            source.schema = schema
        found.append(source)
    return found


def _default_name(pipeline: Any) -> str:
    return pipeline.default_schema_name or str(native().schema_name_of_pipeline(pipeline.pipeline_name))


__all__ = ["UnknownSourceReference", "sources_of"]
