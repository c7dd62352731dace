"""The library `requests`, which the helpers for REST APIs are made on."""

try:
    import requests
except ImportError as cause:
    from windlass.common.exceptions import MissingDependencyException

    raise MissingDependencyException(
        "windlass.sources.helpers",
        ["windlass[rest]"],
        msg="the helpers for REST APIs need the library `requests`: pip install 'windlass[rest]'",
    ) from cause

import requests.adapters
import requests.auth
import requests.exceptions

__all__ = ["requests"]
