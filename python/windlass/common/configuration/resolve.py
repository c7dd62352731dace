"""The value of a setting as the engine finds it, in the type that is wanted, and the report of those that are nowhere."""

from contextvars import ContextVar
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.exceptions import ConfigFieldMissingException, ValueNotSecretException
from windlass.common.configuration.providers import PROVIDERS, provider_key, settings
from windlass.common.masking import learn, learn_setting, masked


class LookupTrace(NamedTuple):
    """One place that was looked at."""

    provider_name: str
    sections: Tuple[str, ...]
    key: str
    value: Any


class Missing(NamedTuple):
    """A setting that was not found, and where it was looked for."""

    field: str
    traces: List[LookupTrace]


#: Values that were resolved since a run began, for its trace.
_RESOLVED: ContextVar[Optional[List[Any]]] = ContextVar("windlass_resolved", default=None)


def watch_values() -> None:
    """Begins a new list of values that are resolved."""
    _RESOLVED.set([])


def resolved_values() -> List[Any]:
    """The values that were resolved since the run began; secrets have no value."""
    return list(_RESOLVED.get() or [])


def _note(field: str, value: Any, is_secret: bool, trace: LookupTrace) -> None:
    noted = _RESOLVED.get()
    if noted is None:
        return
    from windlass.pipeline.trace import SerializableResolvedValueTrace

    # A secret may stand under the name of none, and within an address.
    is_secret = is_secret or isinstance(value, str) and masked(value) != value
    shown = None if is_secret else value
    noted.append(SerializableResolvedValueTrace(field, shown, None, is_secret, trace.sections, trace.provider_name, ""))


#: The pipeline that `inject_section` named.
INJECTED_PIPELINE: ContextVar[Optional[str]] = ContextVar("windlass_injected_pipeline", default=None)


def _pipeline_name() -> Optional[str]:
    from windlass.pipeline.active import active_name

    return INJECTED_PIPELINE.get() or active_name()


def lookup(
    field: str,
    sections: Sequence[str] = (),
    embedded: Sequence[str] = (),
    is_secret: bool = False,
    pipeline: Optional[str] = None,
) -> Tuple[Any, List[LookupTrace]]:
    """The value of a setting, `None` if there is none, and where it was looked for."""
    return search((*embedded, field), sections, pipeline or _pipeline_name(), is_secret)


def search(
    key: Sequence[str], sections: Sequence[str] = (), pipeline: Optional[str] = None, is_secret: bool = False
) -> Tuple[Any, List[LookupTrace]]:
    """What the engine finds for the name `key`, whose parts are never left out, and where it looked.

    Raises `ValueNotSecretException` for a secret in a place that must not hold any.
    """
    providers = list(PROVIDERS)
    found = settings().find(
        list(key),
        [section for section in sections if section],
        pipeline,
        is_secret,
        (PROVIDERS.secrets._overlay, PROVIDERS.config._overlay, providers[3:]),
    )
    if found.refused is not None:
        position, path = found.refused
        provider = providers[position]
        name = provider_key(provider, path)
        raise ValueNotSecretException(
            provider.name,
            name,
            msg=f"Provider `{provider.name}` cannot hold secret values but key `{name}` is a secret value: "
            "move it to secrets.toml or the environment",
        )
    traces = [
        LookupTrace(providers[position].name, tuple(path[:-1]), provider_key(providers[position], path), None)
        for position, path in found.asked
    ]
    if found.value is not None:
        traces[-1] = traces[-1]._replace(value=found.value)
        if is_secret and isinstance(found.value, str) and key[-1] != "credentials":
            learn(found.value)
        else:
            learn_setting(key[-1], found.value)
    return found.value, traces


def resolve(
    field: str,
    sections: Sequence[str] = (),
    hint: Any = Any,
    embedded: Sequence[str] = (),
    is_secret: bool = False,
    pipeline: Optional[str] = None,
) -> Tuple[Any, List[LookupTrace]]:
    """The value of a setting in the type that is wanted."""
    value, traces = lookup(field, sections, embedded, is_secret, pipeline)
    if value is None:
        return None, traces
    found = coerce(field, value, hint, is_secret)
    _note(field, found, is_secret, traces[-1])
    return found, traces


def missing_error(spec: str, missing: List[Missing], resolved: Sequence[str] = ()) -> ConfigFieldMissingException:
    """The report of all settings that were not found."""
    fields = ", ".join(f"`{item.field}`" for item in missing)
    lines = [f"Missing {len(missing)} field(s) in configuration `{spec}`: {fields}"]
    for item in missing:
        lines.append(f"for field `{item.field}` the following (config provider, key) were tried in order:")
        lines += [f"  ({trace.provider_name}, {trace.key})" for trace in item.traces]
    if resolved:
        names = ", ".join(f"`{name}`" for name in resolved)
        lines.append(f"NOTE: following fields in `{spec}` got resolved: {names}")
    for provider in (PROVIDERS.secrets, PROVIDERS.config):
        present, absent = provider.locations
        if present:
            lines.append(f"Provider `{provider.name}` loaded values from locations:")
            lines += [f"\t- {path}" for path in present]
        if absent:
            lines.append(f"Provider `{provider.name}` probed but not found the following locations:")
            lines += [f"\t- {path}" for path in absent]
    text = "\n".join(lines) + "\n"
    error = ConfigFieldMissingException(spec, {item.field: item.traces for item in missing}, msg=text)
    error.spec_name = spec
    error.fields = [item.field for item in missing]
    return error
