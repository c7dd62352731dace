"""Collectors of progress, under the reference's path."""

from windlass.progress import Collector, LogCollector, TqdmCollector

NullCollector = Collector
NULL_COLLECTOR = Collector()

__all__ = ["Collector", "LogCollector", "NULL_COLLECTOR", "NullCollector", "TqdmCollector"]
