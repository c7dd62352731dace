"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class NormalizersException(DltException):
    pass


class UnknownNamingModule(ImportError, NormalizersException):
    _fields: ClassVar[Tuple[str, ...]] = ('naming_module',)


class NamingTypeNotFound(ImportError, NormalizersException):
    _fields: ClassVar[Tuple[str, ...]] = ('naming_module', 'naming_class')


class InvalidNamingType(NormalizersException):
    _fields: ClassVar[Tuple[str, ...]] = ('naming_module', 'naming_class')
