"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException


class NormalizersException(DltException):
    pass


class UnknownNamingModule(ImportError, NormalizersException):
    _fields = ('naming_module',)


class NamingTypeNotFound(ImportError, NormalizersException):
    _fields = ('naming_module', 'naming_class')


class InvalidNamingType(NormalizersException):
    _fields = ('naming_module', 'naming_class')
