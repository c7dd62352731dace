"""`windlass.current` under the path that scripts may take it from."""

from windlass.current import *  # noqa: F401, F403
