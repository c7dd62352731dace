"""Numbers of the source of files."""

#: Files of a page.
DEFAULT_CHUNK_SIZE = 100
