"""Filling in classes of settings."""

import contextlib
from contextvars import ContextVar
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from windlass.common.configuration.coerce import inner_type, is_optional, is_union
from windlass.common.configuration.resolve import INJECTED_PIPELINE, Missing, lookup, missing_error, resolve
from windlass.common.configuration.specs.base_configuration import (
    BaseConfiguration,
    ConfigSectionContext,
    TConfiguration,
    is_base_configuration_inner_hint,
)
from windlass.common.typing import is_secret_hint

_SECTIONS: ContextVar[Tuple[str, ...]] = ContextVar("windlass_sections", default=())


def resolve_configuration(
    config: TConfiguration,
    *,
    sections: Sequence[str] = (),
    explicit_value: Any = None,
    accept_partial: bool = False,
    embedded: Sequence[str] = (),
) -> TConfiguration:
    """Fills in the fields from the settings: what is found there is stronger than the values that the fields have.

    Raises `ConfigFieldMissingException` for fields that are nowhere, unless `accept_partial`.
    """
    if explicit_value is not None:
        if isinstance(explicit_value, type(config)):
            return explicit_value
        config.__dict__.update(type(config).from_init_value(explicit_value).__dict__)
        if config.is_resolved():
            return config
    sections = tuple(sections) or _SECTIONS.get()
    missing = _fill(config, sections, tuple(embedded))
    if missing:
        on_partial = getattr(config, "on_partial", None)
        if on_partial is not None:
            on_partial()
        if not config.is_resolved() and not accept_partial:
            raise missing_error(type(config).__name__, missing)
        return config
    config.resolve()
    return config


def _fill(config: BaseConfiguration, sections: Tuple[str, ...], embedded: Tuple[str, ...]) -> List[Missing]:
    section = type(config).__section__
    # A field that holds settings names their section itself.
    own = embedded if embedded or not section else (section,)
    missing: List[Missing] = []
    for name, hint in config.get_resolvable_fields().items():
        if is_base_configuration_inner_hint(hint):
            missing += _nested(config, name, hint, sections, own)
            continue
        value, traces = resolve(name, sections, _single(hint), embedded=own, is_secret=is_secret_hint(hint))
        if value is not None:
            setattr(config, name, value)
        elif getattr(config, name) is None and not is_optional(hint):
            missing.append(Missing(name, traces))
    return missing


def _single(hint: Any) -> Any:
    """A type to which a setting is brought; where several are allowed it stays as it is."""
    inner = inner_type(hint)
    return Any if is_union(inner) else inner


def _nested(
    config: BaseConfiguration, name: str, hint: Any, sections: Tuple[str, ...], embedded: Tuple[str, ...]
) -> List[Missing]:
    kind = inner_type(hint)
    given = getattr(config, name)
    if isinstance(given, kind) and given.is_resolved():
        return []
    native, traces = lookup(name, sections, embedded, is_secret=issubclass(kind, BaseConfiguration) and "credentials" in name)
    inner = kind.from_init_value(native if native is not None else given)
    if not inner.is_resolved():
        missing = _fill(inner, sections, (*embedded, name))
        if missing:
            on_partial = getattr(inner, "on_partial", None)
            if on_partial is not None:
                on_partial()
            if not inner.is_resolved():
                return [] if is_optional(hint) else missing
        else:
            inner.resolve()
    setattr(config, name, inner)
    return []


@contextlib.contextmanager
def inject_section(section_context: ConfigSectionContext, merge_existing: bool = True, lock_context: bool = False) -> Iterator[None]:
    """Looks for settings in other sections for a while, and for another pipeline if the context names one."""
    outer = _SECTIONS.get()
    pipeline = INJECTED_PIPELINE.set(section_context.pipeline_name or INJECTED_PIPELINE.get())
    token = _SECTIONS.set(tuple(section_context.sections) or (outer if merge_existing else ()))
    try:
        yield
    finally:
        _SECTIONS.reset(token)
        INJECTED_PIPELINE.reset(pipeline)


def last_config(**kwargs: Any) -> Any:
    """The settings that a function was called with are among its arguments here."""
    raise NotImplementedError("windlass has no last_config() (yet): take the settings as an argument of the function")


def current_sections() -> Optional[Tuple[str, ...]]:
    """The sections that `inject_section` set."""
    return _SECTIONS.get() or None
