"""Settings of the source of files."""

from typing import Any

from windlass.common.configuration.resolve import lookup
from windlass.common.storages.configuration import FilesystemConfiguration
from windlass.common.storages.credentials import FIELDS
from windlass.common.storages.fsspec_filesystem import fsspec_from_config

_SECTIONS = ("sources", "filesystem")


def credentials_of(protocol: str, given: Any) -> Any:
    """The credentials that were given, or those of the settings; `None` if there are none."""
    if given is not None or protocol not in FIELDS:
        return given
    whole, _ = lookup("credentials", _SECTIONS, is_secret=True)
    if whole is not None:
        return whole
    fields = {}
    for name in FIELDS[protocol]:
        value, _ = lookup(name, _SECTIONS, embedded=("credentials",), is_secret=True)
        if value is not None:
            fields[name] = value
    return fields or None


def fsspec_from_resource(filesystem_instance: Any) -> Any:
    """The client that a listing uses."""
    gen = filesystem_instance._pipe.gen
    arguments = dict(zip([parameter.name for parameter in gen.parameters], gen.args), **gen.kwargs)
    url = arguments.get("bucket_url") or lookup("bucket_url", _SECTIONS)[0]
    config = FilesystemConfiguration(url, None, False, arguments.get("kwargs"), arguments.get("client_kwargs"))
    config.credentials = credentials_of(config.protocol, arguments.get("credentials"))
    return fsspec_from_config(config)[0]
