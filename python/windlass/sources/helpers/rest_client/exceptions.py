"""Exceptions with the reference's names and hierarchy."""

from windlass.common.exceptions import DltException


class RESTClientException(DltException):
    pass


class IgnoreResponseException(RESTClientException):
    pass


class PaginatorSetupError(RESTClientException, ValueError):
    pass


class PaginatorNotFound(RESTClientException):
    pass


class EndlessPagination(RESTClientException):
    """The same page comes again and again."""
