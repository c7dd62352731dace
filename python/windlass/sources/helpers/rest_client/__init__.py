"""A client for REST APIs: `RESTClient`, paginators and auth."""

from typing import Any, Dict, Iterator, Optional

from windlass.common import jsonpath
from windlass.sources.helpers.rest_client.auth import AuthConfigBase
from windlass.sources.helpers.rest_client.client import PageData, RESTClient
from windlass.sources.helpers.rest_client.paginators import BasePaginator
from windlass.sources.helpers.rest_client.typing import Hooks, HTTPMethodBasic


def paginate(
    url: str,
    method: HTTPMethodBasic = "GET",
    headers: Optional[Dict[str, str]] = None,
    params: Optional[Dict[str, Any]] = None,
    json: Optional[Dict[str, Any]] = None,
    auth: AuthConfigBase = None,  # type: ignore[assignment] # noqa: RUF013 (the reference's signature)
    paginator: Optional[BasePaginator] = None,
    data_selector: Optional[jsonpath.TJsonPath] = None,
    hooks: Optional[Hooks] = None,
    *,
    data: Optional[Any] = None,
) -> Iterator[PageData[Any]]:
    """The pages of a URL."""
    client = RESTClient(base_url=url, headers=headers)
    return client.paginate(
        method=method,
        params=params,
        json=json,
        auth=auth,
        paginator=paginator,
        data_selector=data_selector,
        hooks=hooks,
        data=data,
    )


__all__ = ["AuthConfigBase", "BasePaginator", "PageData", "RESTClient", "paginate"]
