"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.exceptions import DltException


class NormalizerException(DltException):
    pass


class InvalidJsonNormalizer(NormalizerException):
    _fields: ClassVar[Tuple[str, ...]] = ('required_normalizer', 'present_normalizer')
