"""Helpers around REST API sources."""

from typing import Tuple

from windlass.extract.source import DltSource
from windlass.sources.helpers.rest_client.utils import join_url


def check_connection(source: DltSource, *resource_names: str) -> Tuple[bool, str]:
    """Whether the first pages of these resources can be read, and what is wrong if they cannot."""
    try:
        list(source.with_resources(*resource_names).add_limit(1))
        return True, ""
    except Exception as cause:
        return False, str(cause)


__all__ = ["check_connection", "join_url"]
