"""Finding the value of a setting: with all sections, then with fewer; with the pipeline's name in front, then without."""

from contextvars import ContextVar
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from windlass.common.configuration.coerce import coerce
from windlass.common.configuration.exceptions import ConfigFieldMissingException, ValueNotSecretException
from windlass.common.configuration.providers import PROVIDERS, provider_key, provider_value
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


def _active_pipeline_name() -> Optional[str]:
    from windlass.pipeline.active import active_name

    return active_name()


def paths_of(sections: Sequence[str], field: str, embedded: Sequence[str] = ()) -> List[Tuple[str, ...]]:
    """The paths of a setting, without the pipeline, the strongest first."""
    paths = []
    for count in range(len(sections), -1, -1):
        paths.append((*sections[:count], *embedded, field))
        # The section of a source may be left out.
        if count == 2 and len(sections) == 3 and sections[0] == "sources":
            paths.append((sections[0], sections[2], *embedded, field))
    return paths


def lookup(
    field: str,
    sections: Sequence[str] = (),
    embedded: Sequence[str] = (),
    is_secret: bool = False,
    pipeline: Optional[str] = None,
) -> Tuple[Any, List[LookupTrace]]:
    """The value of a setting, `None` if there is none, and where it was looked for."""
    traces: List[LookupTrace] = []
    name = pipeline or _active_pipeline_name()
    for prefix in ((name,), ()) if name else ((),):
        for provider in PROVIDERS:
            if is_secret and not getattr(provider, "supports_secrets", True):
                secret_allowed = False
            else:
                secret_allowed = True
            if getattr(provider, "is_empty", False):
                continue
            for path in paths_of(sections, field, embedded):
                full = (*prefix, *path)
                value = provider_value(provider, full)
                if value is not None and not secret_allowed:
                    raise ValueNotSecretException(
                        provider.name,
                        provider_key(provider, full),
                        msg=f"Provider `{provider.name}` cannot hold secret values but key "
                        f"`{provider_key(provider, full)}` is a secret value: move it to secrets.toml or the environment",
                    )
                if secret_allowed:
                    traces.append(
                        LookupTrace(provider.name, full[:-1], provider_key(provider, full), value)
                    )
                if value is not None:
                    if is_secret and isinstance(value, str) and field != "credentials":
                        learn(value)
                    else:
                        learn_setting(field, value)
                    return value, traces
    return None, traces


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
