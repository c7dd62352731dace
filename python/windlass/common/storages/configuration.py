"""Where files are: a folder or a bucket, as a URL or a path."""

import os
import re
from typing import Any, Dict, Optional, Tuple
from urllib.parse import quote, unquote, urlsplit

from windlass.common.configuration.exceptions import ConfigurationValueError

_WINDOWS_PATH = re.compile(r"^[A-Za-z]:[\\/]|^\\\\")


class FilesystemConfiguration:
    """A place of files and how it is opened."""

    def __init__(
        self,
        bucket_url: Any = None,
        credentials: Any = None,
        read_only: bool = False,
        kwargs: Optional[Dict[str, Any]] = None,
        client_kwargs: Optional[Dict[str, Any]] = None,
        config_kwargs: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.original_bucket_url = bucket_url
        self.bucket_url = normalized(os.fspath(bucket_url) if bucket_url is not None else "")
        self.credentials = credentials
        self.read_only = read_only
        self.kwargs = kwargs
        self.client_kwargs = client_kwargs
        self.config_kwargs = config_kwargs

    @property
    def protocol(self) -> str:
        """The first part of the URL: `file`, `s3`."""
        return protocol_of(self.bucket_url)

    @property
    def is_local_filesystem(self) -> bool:
        """Whether the files are on this machine."""
        return self.protocol == "file"

    @staticmethod
    def is_local_path(url: str) -> bool:
        """Whether it is a path and no URL."""
        return is_path(url)

    @staticmethod
    def make_local_path(file_url: str) -> str:
        """The path of a `file://` URL."""
        return path_of(file_url)

    @staticmethod
    def make_file_url(local_path: str) -> str:
        """The URL of a path."""
        return url_of(local_path)

    def __str__(self) -> str:
        return without_secrets(self.bucket_url)


def is_path(url: str) -> bool:
    """Whether it is a path and no URL."""
    return bool(_WINDOWS_PATH.match(url)) or not urlsplit(url).scheme


def protocol_of(url: str) -> str:
    """The scheme of a URL; `file` for a path."""
    return "file" if is_path(url) else urlsplit(url).scheme.lower()


def normalized(bucket_url: str) -> str:
    """The URL of a place that may be given as a path. Raises for one that names nothing."""
    if is_path(bucket_url):
        if not bucket_url:
            raise ConfigurationValueError(
                "`bucket_url` is empty: give a folder, or a URL such as file:///data, s3://bucket/folder"
            )
        from windlass.common.configuration.providers import local_dir

        path = os.path.expanduser(bucket_url)
        return url_of(os.path.normpath(os.path.join(str(local_dir()), path)))
    parts = urlsplit(bucket_url)
    if not parts.netloc and not parts.path.strip("/") and parts.path != "/":
        raise ConfigurationValueError(
            f"`bucket_url` {without_secrets(bucket_url)} names no bucket and no path: write it like s3://bucket/folder"
        )
    if parts.scheme == "file" and not parts.netloc and not parts.path.startswith("/"):
        return normalized(unquote(parts.path))
    return bucket_url


def path_of(file_url: str) -> str:
    """The path of a `file://` URL; a path stays as it is."""
    if is_path(file_url):
        return os.path.expanduser(file_url)
    parts = urlsplit(file_url)
    if parts.scheme != "file":
        raise ValueError(f"{without_secrets(file_url)} is no file of this machine")
    path = unquote(parts.path, errors="surrogateescape")
    if parts.netloc and parts.netloc != "localhost":
        path = f"//{unquote(parts.netloc)}{path}"
    if os.name == "nt" and re.match(r"^/[A-Za-z]:", path):
        path = path[1:]
    return os.path.normpath(path) if path else "/"


def url_of(path: str) -> str:
    """The `file://` URL of a path."""
    text = os.path.abspath(path).replace(os.sep, "/")
    if text.startswith("//"):
        return "file:" + quote(text, errors="surrogateescape")
    return "file://" + quote(text if text.startswith("/") else "/" + text, errors="surrogateescape")


def split_bucket(bucket_url: str) -> Tuple[str, str]:
    """Scheme and the path as fsspec has it: bucket and folder, without the scheme."""
    parts = urlsplit(bucket_url)
    return parts.scheme.lower(), bucket_url.split("://", 1)[-1]


def without_secrets(url: str) -> str:
    """A URL without user and password."""
    return re.sub(r"://[^/@]*@", "://***@", url)
