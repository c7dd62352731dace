"""Types of the REST client."""

from typing import Any, Callable, Dict, List, Literal, Union

from windlass.sources.helpers._requests import requests

HTTPMethodBasic = Literal["GET", "POST"]
HTTPMethodExtended = Literal["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
HTTPMethod = Union[HTTPMethodBasic, HTTPMethodExtended]
HookFunction = Callable[[requests.Response, Any, Any], None]
Hooks = Dict[str, Union[HookFunction, List[HookFunction]]]
