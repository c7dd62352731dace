"""`windlass.mark` under the path that scripts may take it from."""

from windlass.mark import *  # noqa: F401, F403
