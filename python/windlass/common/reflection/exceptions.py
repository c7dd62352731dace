"""Exceptions with the reference's names and hierarchy."""


class ReferenceImportError:
    pass
