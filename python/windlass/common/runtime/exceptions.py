"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException


class RuntimeException(DltException):
    pass


class RunContextNotAvailable(RuntimeException):
    _fields = ('run_dir', 'msg')
