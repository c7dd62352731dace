"""`windlass.progress` under the path that scripts may take it from."""

from windlass.progress import *  # noqa: F401, F403
