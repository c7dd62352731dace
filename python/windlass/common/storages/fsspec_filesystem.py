"""Files by URL: local ones as they are, all others by fsspec."""

import io
import mimetypes
import os
import posixpath
from datetime import datetime, timezone
from typing import IO, Any, Callable, Dict, Iterator, Optional, Tuple, TypedDict

from windlass.common.exceptions import MissingDependencyException
from windlass.common.storages.configuration import FilesystemConfiguration, path_of, protocol_of, split_bucket, url_of
from windlass.common.storages.credentials import options_of
from windlass.common.storages.local_files import local_files
from windlass.common.storages.local_glob import local_glob


class FileItem(TypedDict, total=False):
    """What is known of a file."""

    file_url: str
    file_name: str
    relative_path: str
    mime_type: str
    encoding: Optional[str]
    modification_date: datetime
    size_in_bytes: int
    file_content: Optional[bytes]


def _aware(value: Any) -> datetime:
    """A time of a listing, whatever form it has, at UTC."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, tz=timezone.utc)
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


def _http_mtime(info: Dict[str, Any]) -> datetime:
    from email.utils import parsedate_to_datetime

    for name in ("Last-Modified", "last-modified", "LastModified", "mtime"):
        if info.get(name):
            value = info[name]
            return _aware(parsedate_to_datetime(value) if isinstance(value, str) else value)
    return datetime.now(timezone.utc)


#: Where the listing of a kind of place has the time of a change.
MTIME_DISPATCH: Dict[str, Callable[[Dict[str, Any]], datetime]] = {
    "s3": lambda info: _aware(info["LastModified"]),
    "adl": lambda info: _aware(info["LastModified"]),
    "az": lambda info: _aware(info["last_modified"]),
    "gs": lambda info: _aware(info["updated"]),
    "hf": lambda info: _aware(info["last_commit"].date),
    "https": _http_mtime,
    "file": lambda info: _aware(info["mtime"]),
    "memory": lambda info: _aware(info["created"]),
    "gdrive": lambda info: _aware(info["modifiedTime"]),
    "sftp": lambda info: _aware(info["mtime"]),
}
for _name, _same in (("s3a", "s3"), ("gcs", "gs"), ("abfs", "az"), ("abfss", "az"), ("azure", "az"), ("http", "https")):
    MTIME_DISPATCH[_name] = MTIME_DISPATCH[_same]

#: Options that a kind of place wants unless others are given.
DEFAULT_KWARGS: Dict[str, Dict[str, Any]] = {
    "hf": {"expand_info": True},
    **{name: {"max_concurrency": 1} for name in ("az", "azure", "adl", "abfs", "abfss")},
}

#: What is to be installed for a kind of place.
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "azure": "adlfs",
    "adl": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "sftp": "paramiko",
    "gdrive": "gdrivefs",
    "http": "aiohttp",
    "https": "aiohttp",
}


def fsspec_filesystem(
    protocol: str,
    credentials: Any = None,
    kwargs: Optional[Dict[str, Any]] = None,
    client_kwargs: Optional[Dict[str, Any]] = None,
    config_kwargs: Optional[Dict[str, Any]] = None,
) -> Tuple[Any, str]:
    """A client for a kind of place, and the place itself if `protocol` is a whole URL."""
    url = protocol if "://" in protocol else f"{protocol}://{'/' if protocol == 'file' else 'x'}"
    return fsspec_from_config(FilesystemConfiguration(url, credentials, False, kwargs, client_kwargs, config_kwargs))


def prepare_fsspec_args(config: FilesystemConfiguration) -> Dict[str, Any]:
    """The options of the client."""
    options: Dict[str, Any] = {"use_listings_cache": False, "listings_expiry_time": 60.0}
    options.update(DEFAULT_KWARGS.get(config.protocol, {}))
    options.update(options_of(config.protocol, config.credentials, config.bucket_url))
    options.update(config.kwargs or {})
    for name in ("client_kwargs", "config_kwargs"):
        given = getattr(config, name)
        if given:
            options[name] = {**options.get(name, {}), **given}
    return options


def fsspec_from_config(config: FilesystemConfiguration) -> Tuple[Any, str]:
    """The client of a place, and the place as the client has it."""
    if config.protocol == "file":
        return local_files(), path_of(config.bucket_url)
    if _is_client(config.credentials):
        return config.credentials, split_bucket(config.bucket_url)[1]
    protocol = config.protocol
    package = _PACKAGES.get(protocol)
    try:
        import fsspec
    except ImportError as cause:
        raise _missing(protocol, ["fsspec", *([package] if package else [])]) from cause
    options = prepare_fsspec_args(config)
    try:
        client = fsspec.filesystem("abfs" if protocol == "azure" else protocol, **options)
    except ImportError as cause:
        raise _missing(protocol, [package] if package else [str(cause)]) from cause
    return client, client._strip_protocol(config.bucket_url)


def _missing(protocol: str, packages: Any) -> MissingDependencyException:
    return MissingDependencyException(
        f"files at {protocol}://",
        packages,
        msg=f"Files at {protocol}:// need {' and '.join(packages)}: pip install {' '.join(packages)}",
    )


def _is_client(value: Any) -> bool:
    return hasattr(value, "ls") and hasattr(value, "open")


class FileItemDict(Dict[str, Any]):
    """A file of a listing, and the way to open it."""

    def __init__(self, mapping: Any, fsspec: Any = None) -> None:
        super().__init__(mapping)
        self._client = fsspec

    @property
    def fsspec(self) -> Any:
        """The client that opens it."""
        if _is_client(self._client):
            return self._client
        config = FilesystemConfiguration(self["file_url"], self._client)
        self._client = fsspec_from_config(config)[0]
        return self._client

    @property
    def local_file_path(self) -> str:
        """The path of a file of this machine."""
        return path_of(self["file_url"])

    def open(self, mode: str = "rb", compression: str = "auto", **kwargs: Any) -> IO[Any]:
        """Opens the file; what is compressed by gzip is unpacked unless `compression` says `disable`."""
        if compression not in ("auto", "enable", "disable"):
            from windlass.common.exceptions import ValueErrorWithKnownValues

            raise ValueErrorWithKnownValues("compression", compression, ["auto", "enable", "disable"])
        is_packed = compression == "enable" or (compression == "auto" and self.get("encoding") == "gzip")
        content = self.get("file_content")
        if content is None and not is_packed:
            return self._opened(mode, **kwargs)
        file: Any = io.BytesIO(content) if content is not None else self._opened("rb")
        if is_packed:
            import gzip

            file = gzip.GzipFile(fileobj=file, mode="rb")
        if "b" in mode:
            return file  # type: ignore[no-any-return]
        text = {name: kwargs[name] for name in ("encoding", "errors", "newline") if name in kwargs}
        text.setdefault("encoding", "utf-8")
        return io.TextIOWrapper(file, **text)

    def _opened(self, mode: str, **kwargs: Any) -> Any:
        url = self["file_url"]
        if protocol_of(url) == "file" and not _is_client(self._client):
            if "b" not in mode:
                kwargs.setdefault("encoding", "utf-8")
            return open(path_of(url), mode, **kwargs)
        return self.fsspec.open(path_of(url) if protocol_of(url) == "file" else url, mode=mode, **kwargs)

    def read_bytes(self) -> bytes:
        """The bytes of the file as they are, packed if they are."""
        content = self.get("file_content")
        if content is not None:
            return bytes(content)
        with self._opened("rb") as file:
            return bytes(file.read())

    def __reduce__(self) -> Any:
        return FileItemDict, (dict(self), self._client)


def guess_mime_type(name: str) -> Tuple[str, Optional[str]]:
    """The type and the packing of a file by its name."""
    kind, encoding = mimetypes.guess_type(posixpath.basename(name), strict=False)
    if kind is None:
        extension = posixpath.splitext(name)[1].lstrip(".")
        kind = f"application/{extension}" if extension else "application/octet-stream"
    return kind, encoding


def glob_files(
    fs_client: Any, bucket_url: str, file_glob: str = "**", fetch_file_info: bool = False
) -> Iterator[FileItem]:
    """The files of a place that a pattern fits."""
    if protocol_of(bucket_url) == "file":
        yield from _local_items(path_of(bucket_url), file_glob)
        return
    scheme, place = split_bucket(bucket_url)
    if scheme in ("http", "https"):
        yield from _http_items(fs_client, bucket_url, file_glob, fetch_file_info)
        return
    folder = fs_client._strip_protocol(bucket_url)
    pattern = posixpath.join(folder, file_glob) if file_glob else folder
    for name, info in fs_client.glob(pattern, detail=True).items():
        if info.get("type") == "file":
            relative = posixpath.relpath(name, folder)
            if not _is_hidden(relative):
                yield _item(_remote_url(scheme, bucket_url, folder, relative), relative, info, scheme)
    del place


def _remote_url(scheme: str, bucket_url: str, folder: str, relative: str) -> str:
    if scheme == "memory":
        # Paths in memory begin with a slash of their own.
        return f"memory://{posixpath.normpath(posixpath.join(folder, relative))}"
    place = bucket_url.rstrip("/")
    return place if relative == "." else f"{place}/{relative}"


def _http_items(client: Any, bucket_url: str, file_glob: str, fetch_file_info: bool) -> Iterator[FileItem]:
    if not file_glob:
        info = client.info(bucket_url) if fetch_file_info else {"name": bucket_url}
        yield _item(bucket_url, posixpath.basename(bucket_url), info, "https")
        return
    folder = bucket_url.rstrip("/") + "/"
    for url, info in client.glob(folder + file_glob, detail=True).items():
        relative = url[len(folder) :] if url.startswith(folder) else posixpath.basename(url)
        if info.get("type", "file") != "file" or relative.endswith("/"):
            continue
        if fetch_file_info:
            info = {**info, **_head(client, url, info)}
        yield _item(url, relative, info, "https")


def _head(client: Any, url: str, info: Dict[str, Any]) -> Dict[str, Any]:
    """What the server says of a file."""
    if info.get("LastModified") or info.get("Last-Modified"):
        return {}
    from fsspec.asyn import sync

    async def ask() -> Dict[str, Any]:
        session = await client.set_session()
        async with session.head(client.encode_url(url), allow_redirects=True, **client.kwargs) as answer:
            answer.raise_for_status()
            size = answer.headers.get("Content-Length")
            found: Dict[str, Any] = {"Last-Modified": answer.headers.get("Last-Modified")}
            return {**found, "size": int(size)} if size is not None else found

    return sync(client.loop, ask)  # type: ignore[no-any-return]


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in relative.split("/"))


def _local_items(folder: str, file_glob: str) -> Iterator[FileItem]:
    if not file_glob:
        names = iter([folder] if os.path.isfile(folder) else [])
    else:
        names = local_glob(folder, file_glob)
    seen = set()
    for name in names:
        try:
            stat = os.stat(name)
        except OSError:
            # Gone since it was listed, or a link to nowhere.
            continue
        if name in seen or not os.path.isfile(name):
            continue
        seen.add(name)
        relative = os.path.relpath(name, folder).replace(os.sep, "/")
        yield _item(url_of(name), relative, {"size": stat.st_size, "mtime": stat.st_mtime}, "file")


def _item(url: str, relative: str, info: Dict[str, Any], scheme: str) -> FileItem:
    name = posixpath.basename(relative if relative != "." else path_of(url) if scheme == "file" else url.rstrip("/"))
    # Bytes that are no UTF-8 stay as they are in the URL alone.
    name, relative = (os.fsencode(text).decode("utf-8", "replace") for text in (name, relative))
    kind, encoding = guess_mime_type(name)
    changed = MTIME_DISPATCH.get(scheme)
    if changed is None:
        raise NotImplementedError(
            f"windlass does not know where a listing of {scheme}:// has the time of a change: add a function to "
            "windlass.common.storages.fsspec_filesystem.MTIME_DISPATCH"
        )
    item = FileItem(
        file_name=name,
        relative_path=relative,
        file_url=url,
        mime_type=kind,
        modification_date=changed(info),
    )
    if info.get("size") is not None:
        item["size_in_bytes"] = int(info["size"])
    if encoding is not None:
        item["encoding"] = encoding
    return item


__all__ = [
    "DEFAULT_KWARGS",
    "FileItem",
    "FileItemDict",
    "MTIME_DISPATCH",
    "fsspec_filesystem",
    "fsspec_from_config",
    "glob_files",
    "guess_mime_type",
    "prepare_fsspec_args",
]
