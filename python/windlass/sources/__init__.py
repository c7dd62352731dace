"""Sources: `dlt.sources.incremental` and the sources that come along."""

from typing import Any

from windlass.extract.incremental import Incremental as incremental  # noqa: N813 (the reference's name)
from windlass.extract.resource import DltResource
from windlass.extract.source import DltSource

TDataItem = Any
TDataItems = Any

__all__ = ["DltResource", "DltSource", "TDataItem", "TDataItems", "incremental"]
