"""The version, and the version of the library whose names this package has."""

__version__ = "0.1.0"
DLT_VERSION = "1.31.0"
