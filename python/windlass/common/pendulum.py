"""pendulum, for scripts that take it from here. windlass itself does without it."""

from typing import Any

from windlass.common.exceptions import MissingDependencyException

try:
    import pendulum
except ImportError as cause:
    raise MissingDependencyException(
        "windlass.common.pendulum",
        ["pendulum"],
        msg="windlass itself needs no pendulum: install it for scripts that do, or use datetime",
    ) from cause


def __getattr__(name: str) -> Any:
    # The module stands for pendulum: `from dlt.common import pendulum`.
    return getattr(pendulum, name)


def create_dt(*args: Any, **kwargs: Any) -> Any:
    """A time in UTC of its parts."""
    kwargs.setdefault("tz", pendulum.UTC)
    return pendulum.datetime(*args, **kwargs)


__all__ = ["create_dt", "pendulum"]
