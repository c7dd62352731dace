"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class RuntimeException(DltException):
    pass


class RunContextNotAvailable(RuntimeException):
    _fields: ClassVar[Tuple[str, ...]] = ('run_dir', 'msg')
