"""Sources: `dlt.sources.incremental` and the sources that come along."""

from typing import Any

from windlass.common.exceptions import choices
from windlass.extract.decorators import SOURCES
from windlass.extract.incremental import Incremental as incremental  # noqa: N813 (the reference's name)
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource

TDataItem = Any
TDataItems = Any


class SourceReference:
    """Sources that were decorated, by name."""

    SOURCES = SOURCES

    @classmethod
    def from_reference(cls, ref: str) -> Any:
        """The factory of a source: its module and function, or its name."""
        from windlass.extract.exceptions import UnknownSourceReference

        if ref in SOURCES:
            return SOURCES[ref]
        import importlib

        module, _, name = ref.rpartition(".")
        for place in (module, f"windlass.sources.{ref}"):
            try:
                return getattr(importlib.import_module(place), name)
            except (ImportError, AttributeError, ValueError):
                continue
        raise UnknownSourceReference(ref, [], [], msg=f"there is no source `{ref}`: {choices(ref, list(SOURCES))}")

    find = from_reference


__all__ = ["DltResource", "DltSource", "SourceReference", "TDataItem", "TDataItems", "incremental"]
