"""Resources, sources and what they yield."""

from typing import Any

_PLACES = {
    "DltResource": "windlass.extract.resource",
    "DltSource": "windlass.extract.source",
    "Incremental": "windlass.extract.incremental",
    "SourceFactory": "windlass.extract.decorators",
    "SourceReference": "windlass.sources",
    "defer": "windlass.extract.decorators",
    "make_hints": "windlass.mark",
    "make_nested_hints": "windlass.mark",
    "materialize_schema_item": "windlass.mark",
    "resource": "windlass.extract.decorators",
    "source": "windlass.extract.decorators",
    "transformer": "windlass.extract.decorators",
    "with_file_import": "windlass.mark",
    "with_hints": "windlass.mark",
    "with_table_name": "windlass.mark",
}


def __getattr__(name: str) -> Any:
    # Modules of this package import each other through it: names are found when they are asked for.
    if name in _PLACES:
        import importlib

        module = importlib.import_module(_PLACES[name])
        return getattr(module, "materialize_table_schema" if name == "materialize_schema_item" else name)
    raise AttributeError(f"module 'windlass.extract' has no attribute '{name}'")
