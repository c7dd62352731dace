"""Files of this machine under the names of fsspec, for those who have no fsspec."""

import os
import shutil
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from windlass.common.storages.configuration import path_of


def write_private(path: Any, text: str) -> None:
    """Makes a file of text that only its owner may read, whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), 0o600)
        file.write(text)



class LocalFiles:
    """What scripts use of fsspec's `LocalFileSystem`, by paths or `file://` URLs."""

    protocol: Tuple[str, ...] = ("file", "local")
    sep = "/"

    def ls(self, path: Any, detail: bool = False, **_: Any) -> List[Any]:
        """What is in a folder; of a file the file itself."""
        place = _path(path)
        names = [place] if os.path.isfile(place) else [os.path.join(place, name) for name in sorted(os.listdir(place))]
        return [self.info(name) for name in names] if detail else names

    def find(self, path: Any, maxdepth: Optional[int] = None, withdirs: bool = False, **_: Any) -> List[str]:
        """All files below a folder."""
        place = _path(path)
        if os.path.isfile(place):
            return [place]
        found = []
        for folder, folders, files in os.walk(place):
            depth = 0 if folder == place else os.path.relpath(folder, place).count(os.sep) + 1
            if maxdepth is not None and depth >= maxdepth - 1:
                folders[:] = []
            found += [os.path.join(folder, name) for name in (folders if withdirs else []) + files]
        return sorted(found)

    def walk(self, path: Any, **_: Any) -> Iterator[Tuple[str, List[str], List[str]]]:
        """Folders with their folders and files."""
        return os.walk(_path(path))

    def glob(self, path: Any, **_: Any) -> List[str]:
        """The files and folders that a pattern fits."""
        import glob

        return sorted(found.rstrip("/") for found in glob.glob(_path(path), recursive=True))

    def exists(self, path: Any, **_: Any) -> bool:
        """Whether there is a file or folder."""
        return os.path.exists(_path(path))

    def isdir(self, path: Any) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(_path(path))

    def isfile(self, path: Any) -> bool:
        """Whether it is a file."""
        return os.path.isfile(_path(path))

    def info(self, path: Any, **_: Any) -> Dict[str, Any]:
        """Name, size, kind and times of a file."""
        place = _path(path)
        stat = os.stat(place)
        kind = "directory" if os.path.isdir(place) else "file"
        return {"name": place, "size": stat.st_size, "type": kind, "created": stat.st_ctime, "mtime": stat.st_mtime}

    def size(self, path: Any) -> int:
        """The bytes of a file."""
        return os.path.getsize(_path(path))

    def modified(self, path: Any) -> Any:
        """When a file was written last."""
        from datetime import datetime, timezone

        return datetime.fromtimestamp(os.path.getmtime(_path(path)), tz=timezone.utc)

    def open(self, path: Any, mode: str = "rb", compression: Optional[str] = None, **options: Any) -> Any:
        """Opens a file."""
        if compression not in (None, "infer"):
            raise NotImplementedError(f"compression `{compression}` needs fsspec: pip install fsspec")
        for name in ("block_size", "cache_options"):
            options.pop(name, None)
        return open(_path(path), mode, **options)

    def read_bytes(self, path: Any, start: Optional[int] = None, end: Optional[int] = None, **_: Any) -> bytes:
        """The bytes of a file, or some of them."""
        with open(_path(path), "rb") as file:
            if start is not None:
                file.seek(start if start >= 0 else max(os.path.getsize(_path(path)) + start, 0))
            if end is None:
                return file.read()
            stop = end if end >= 0 else os.path.getsize(_path(path)) + end
            return file.read(max(stop - file.tell(), 0))

    cat_file = read_bytes

    def read_text(self, path: Any, encoding: Optional[str] = None, errors: Any = None, newline: Any = None, **_: Any) -> str:
        """The text of a file."""
        with open(_path(path), "r", encoding=encoding or "utf-8", errors=errors, newline=newline) as file:
            return file.read()

    def write_bytes(self, path: Any, value: bytes, **_: Any) -> None:
        """Makes a file of bytes."""
        with open(_path(path), "wb") as file:
            file.write(value)

    pipe_file = write_bytes

    def write_text(self, path: Any, value: str, encoding: Optional[str] = None, **_: Any) -> None:
        """Makes a file of text."""
        with open(_path(path), "w", encoding=encoding or "utf-8") as file:
            file.write(value)

    def rm_file(self, path: Any) -> None:
        """Removes a file."""
        os.remove(_path(path))

    def rm(self, path: Union[str, Iterable[str]], recursive: bool = False, maxdepth: Optional[int] = None) -> None:
        """Removes files; with `recursive` folders and what is in them."""
        for one in [path] if isinstance(path, (str, os.PathLike)) else path:
            place = _path(one)
            if not os.path.isdir(place):
                os.remove(place)
            elif recursive:
                shutil.rmtree(place)
            else:
                raise ValueError(f"{place} is a folder: set recursive=True to remove it")

    delete = rm

    def makedirs(self, path: Any, exist_ok: bool = False) -> None:
        """Makes a folder and those above it."""
        os.makedirs(_path(path), exist_ok=exist_ok)

    def mkdir(self, path: Any, create_parents: bool = True, **_: Any) -> None:
        """Makes a folder."""
        if create_parents:
            os.makedirs(_path(path))
        else:
            os.mkdir(_path(path))

    def rmdir(self, path: Any) -> None:
        """Removes an empty folder."""
        os.rmdir(_path(path))

    def touch(self, path: Any, truncate: bool = True, **_: Any) -> None:
        """Makes an empty file."""
        with open(_path(path), "wb" if truncate else "ab"):
            pass

    def mv(self, path1: Any, path2: Any, **_: Any) -> None:
        """Moves a file."""
        shutil.move(_path(path1), _path(path2))

    move = mv

    def cp_file(self, path1: Any, path2: Any, **_: Any) -> None:
        """Copies a file."""
        shutil.copyfile(_path(path1), _path(path2))

    copy = cp_file

    @staticmethod
    def _strip_protocol(path: Any) -> str:
        return _path(path)


def _path(path: Any) -> str:
    return path_of(os.fspath(path))


def local_files() -> Any:
    """fsspec's files of this machine if it is installed, else our own."""
    try:
        from fsspec.implementations.local import LocalFileSystem
    except ImportError:
        return LocalFiles()
    return LocalFileSystem()
