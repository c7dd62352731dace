"""Sources that are appended whole by every run: a later run tells, as `plan` and `run` of the command line do."""

from typing import Any, Dict, Iterator, List, Mapping, Optional

from windlass._native import native
from windlass.extract.binding import BoundFunction
from windlass.extract.resource import DltResource

_CURSOR = 'give it `incremental=dlt.sources.incremental("{}")` to load only what is new'
#: By the package of the function that reads: what helps.
_REMEDIES = {
    "windlass.sources.filesystem": _CURSOR.format("modification_date").replace("give it", "give `filesystem` its"),
    "windlass.sources.sql_database": _CURSOR.format("a column that grows"),
    "windlass.sources.rest_api": "set `incremental` of its endpoint to load only what is new",
}


def repeated(sources: List[Any], schemas: Mapping[str, Dict[str, Any]]) -> List[str]:
    """Warnings about resources that were loaded before and whose records are all appended again.

    `schemas` are those that are stored, by name.
    """
    found = []
    for source in sources:
        stored = schemas.get(source.name)
        for resource in source.resources.values() if stored is not None else ():
            remedy = _remedy(resource)
            if resource.selected and remedy and _is_appended(resource) and _is_loaded(resource, stored or {}):
                found.append(
                    f"resource `{resource.name}`: every run appends all of its records again; {remedy}, or "
                    '`write_disposition="replace"`'
                )
    return found


def _chain(resource: DltResource) -> Iterator[DltResource]:
    one: Optional[DltResource] = resource
    while one is not None:
        yield one
        one = one._parent


def _remedy(resource: DltResource) -> Optional[str]:
    """What helps, where a source that comes along reads, and no cursor is anywhere."""
    chain = list(_chain(resource))
    if any(one.incremental is not None for one in chain):
        return None
    gen = chain[-1]._pipe.gen
    module = str(getattr(gen.function, "__module__", "")) if isinstance(gen, BoundFunction) else ""
    package = next((name for name in _REMEDIES if f"{module}.".startswith(f"{name}.")), None)
    # Of dependent resources the parent tells.
    is_child = package == "windlass.sources.rest_api" and len(chain) > 1
    return None if package is None or is_child else _REMEDIES[package]


def _is_appended(resource: DltResource) -> bool:
    disposition = resource.write_disposition
    if isinstance(disposition, Mapping):
        disposition = disposition.get("disposition", "append")
    return bool(disposition == "append")


def _is_loaded(resource: DltResource, stored: Dict[str, Any]) -> bool:
    name = resource._hints.get("table_name") or resource.name
    if not isinstance(name, str):
        return False
    convention = str(stored.get("normalizers", {}).get("names") or "snake_case")
    table = stored.get("tables", {}).get(str(native().normalize_name(name, "table", convention.rsplit(".", 1)[-1], None)), {})
    return bool(table.get("x-normalizer", {}).get("seen-data"))
