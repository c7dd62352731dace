"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException


class NormalizerException(DltException):
    pass


class InvalidJsonNormalizer(NormalizerException):
    _fields = ('required_normalizer', 'present_normalizer')
