"""Paginators and auth by the names of their types."""

import copy
import inspect
from typing import Any, Dict, Optional, Sequence, Type

from windlass.common.exceptions import ValueErrorWithKnownValues
from windlass.extract.context import SOURCE_SECTION
from windlass.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from windlass.sources.helpers.rest_client.exceptions import PaginatorSetupError
from windlass.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)
from windlass.sources.rest_api.typing import AuthConfig, PaginatorConfig
from windlass.sources.rest_api.validation import register

PAGINATOR_MAP: Dict[str, Type[BasePaginator]] = {
    "json_link": JSONLinkPaginator,
    "json_response": JSONLinkPaginator,
    "header_link": HeaderLinkPaginator,
    "header_cursor": HeaderCursorPaginator,
    "auto": None,  # type: ignore[dict-item]
    "single_page": SinglePagePaginator,
    "cursor": JSONResponseCursorPaginator,
    "offset": OffsetPaginator,
    "page_number": PageNumberPaginator,
}

AUTH_MAP: Dict[str, Type[AuthConfigBase]] = {
    "bearer": BearerTokenAuth,
    "api_key": APIKeyAuth,
    "http_basic": HttpBasicAuth,
    "oauth2_client_credentials": OAuth2ClientCredentials,
}


def register_paginator(paginator_name: str, paginator_class: Type[BasePaginator]) -> None:
    """Gives a class of paginators a name for configurations."""
    if not (isinstance(paginator_class, type) and issubclass(paginator_class, BasePaginator)):
        raise ValueError(
            f"Invalid paginator: `{getattr(paginator_class, '__name__', paginator_class)}`. Your custom paginator has to be "
            "a subclass of `BasePaginator`"
        )
    PAGINATOR_MAP[paginator_name] = paginator_class
    register("paginator", paginator_name)


def register_auth(auth_name: str, auth_class: Type[AuthConfigBase]) -> None:
    """Gives a class of auth a name for configurations."""
    if not (isinstance(auth_class, type) and issubclass(auth_class, AuthConfigBase)):
        raise ValueError(
            f"Invalid auth: `{getattr(auth_class, '__name__', auth_class)}`. Your custom auth has to be a subclass of "
            "`AuthConfigBase`"
        )
    AUTH_MAP[auth_name] = auth_class
    register("auth", auth_name)


def get_paginator_class(paginator_name: str) -> Type[BasePaginator]:
    """The class of a name; `auto` has none."""
    if paginator_name not in PAGINATOR_MAP:
        raise ValueErrorWithKnownValues("paginator", paginator_name, list(PAGINATOR_MAP))
    return PAGINATOR_MAP[paginator_name]


def get_auth_class(auth_type: str) -> Type[AuthConfigBase]:
    """The class of a name."""
    if auth_type not in AUTH_MAP:
        raise ValueErrorWithKnownValues("auth_type", auth_type, list(AUTH_MAP))
    return AUTH_MAP[auth_type]


def create_paginator(paginator_config: Optional[PaginatorConfig]) -> Optional[BasePaginator]:
    """The paginator of a configuration; `None` where the answers decide."""
    if paginator_config is None or isinstance(paginator_config, BasePaginator):
        return paginator_config
    if isinstance(paginator_config, str):
        kind = get_paginator_class(paginator_config)
        if kind is None:
            return None
        try:
            return kind()
        except TypeError:
            raise PaginatorSetupError(
                f"Paginator `{paginator_config}` requires arguments to create an instance. Use `{kind}` instance instead."
            ) from None
    options: Dict[str, Any] = dict(paginator_config)
    name = options.pop("type", "auto")
    kind = get_paginator_class(name)
    if kind is None:
        return None
    try:
        inspect.signature(kind).bind(**options)
    except TypeError as cause:
        # As in the reference, it is a TypeError.
        raise TypeError(
            f"the paginator `{name}` cannot be made of its options: {cause}; it takes {_options_of(kind)}"
        ) from None
    return kind(**options)


def _options_of(kind: Type[BasePaginator]) -> str:
    parameters = inspect.signature(kind).parameters.values()
    return ", ".join(f"`{one.name}`" + (" (needed)" if one.default is one.empty else "") for one in parameters)


def own_paginator(paginator: Optional[BasePaginator]) -> Optional[BasePaginator]:
    """A paginator for one chain of pages: those that are shared lose pages."""
    try:
        return copy.deepcopy(paginator)
    except TypeError:
        # It holds something that cannot be copied, such as a lock.
        return copy.copy(paginator)


def _sections() -> Sequence[str]:
    source = SOURCE_SECTION.get()
    return () if source is None else ("sources", source.section, source.name)


def create_auth(auth_config: Optional[AuthConfig]) -> Optional[AuthConfigBase]:
    """The auth of a configuration; what it lacks comes from the settings of the source, below `credentials`."""
    if auth_config is None:
        return None
    if isinstance(auth_config, str):
        return get_auth_class(auth_config)().resolve_in(_sections(), ("credentials",), ())  # type: ignore[return-value]
    if isinstance(auth_config, AuthConfigBase):
        return _resolved(auth_config)
    if callable(auth_config):
        # Any callable signs requests.
        return auth_config
    options: Dict[str, Any] = dict(auth_config)
    kind = get_auth_class(options.pop("type", None) or "bearer")
    given = [name for name, value in options.items() if value is not None]
    instance = kind(**options)
    return instance.resolve_in(_sections(), ("credentials",), given or ("-",))  # type: ignore[return-value]


def _resolved(auth: AuthConfigBase) -> AuthConfigBase:
    """An instance, whose fields that are missing come from the settings."""
    if not auth.missing_fields():
        return auth
    given = [name for name in auth if auth[name] is not None]
    return auth.resolve_in(_sections(), ("credentials",), given)  # type: ignore[return-value]
