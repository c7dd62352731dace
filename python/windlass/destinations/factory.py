"""What stands for a destination until a pipeline uses it."""

import copy
import enum
import json
import os
import uuid
from decimal import Decimal
from typing import Any, Dict, List, Optional, Type

from windlass._native import native
from windlass.common.configuration.resolve import Missing, lookup, missing_error
from windlass.common.destination.exceptions import InvalidDestinationReference, UnknownDestinationModule
from windlass.common.exceptions import choices

#: Options of every destination that say nothing to the engine.
_COMMON = ("destination_name", "environment", "destination_type")


class Destination:
    """A kind of destination with its options."""

    kind = ""
    needs_dataset = True

    def __init__(self, credentials: Any = None, **options: Any) -> None:
        self._destination_name: Optional[str] = options.pop("destination_name", None)
        self.environment = options.pop("environment", None)
        options.pop("destination_type", None)
        if credentials is not None:
            options["credentials"] = credentials
        known = option_names(self.kind) if options else []
        for name in options:
            if name not in known:
                raise TypeError(
                    f"windlass has no option `{name}` for the destination `{self.kind}` (yet); {choices(name, known)}"
                )
        self.config_params: Dict[str, Any] = options

    @property
    def destination_name(self) -> str:
        """The name under which its settings are found."""
        return self._destination_name or self.kind

    @property
    def configured_name(self) -> Optional[str]:
        """The name that it was given."""
        return self._destination_name

    @property
    def destination_type(self) -> str:
        """The reference to the kind."""
        return f"dlt.destinations.{self.kind}"

    @property
    def destination_description(self) -> str:
        """What it is, for messages."""
        return f"{self.destination_name}({self.destination_type})"

    def with_credentials(self, credentials: Any) -> "Destination":
        """The same destination with other credentials."""
        fresh = copy.copy(self)
        fresh.config_params = {**self.config_params, "credentials": credentials}
        return fresh

    def engine_options(self, pipeline_name: str) -> Dict[str, Any]:
        """The options, with settings for those that were not given."""
        options: Dict[str, Any] = {}
        sections = ("destination", self.destination_name)
        searched: Dict[str, Any] = {}
        for name in option_names(self.kind):
            value = self.config_params.get(name)
            if value is None:
                value, searched[name] = lookup(name, sections, is_secret=name == "credentials", pipeline=pipeline_name)
                value = _from_text(self.kind, name, value)
            if value is not None:
                options[name] = _plain(value)
        credentials = options.get("credentials")
        options.update(self._credential_fields(credentials, sections, pipeline_name))
        needed = native().destination_needs(self.kind) if self.kind in native().destination_kinds() else None
        if needed and not options.get(needed):
            missing = [Missing(needed, searched.get(needed, []))]
            if needed == "credentials":
                # A connection may be given by its parts as well.
                for name in credential_fields(self.kind):
                    _, traces = lookup(name, sections, embedded=("credentials",), is_secret=True, pipeline=pipeline_name)
                    missing.append(Missing(f"credentials.{name}", traces))
            raise missing_error(f"{self.kind.capitalize()}ClientConfiguration", missing)
        return options

    def _credential_fields(self, given: Any, sections: Any, pipeline_name: str) -> Dict[str, Any]:
        """Credentials whose fields are settings of their own."""
        if given is not None:
            return {}
        fields = {}
        for name in credential_fields(self.kind):
            value, _ = lookup(name, sections, embedded=("credentials",), is_secret=True, pipeline=pipeline_name)
            if value is not None:
                fields[name] = value
        return {"credentials": fields} if fields else {}

    def description(self, pipeline_name: str) -> Dict[str, Any]:
        """The destination as the engine takes it."""
        return {"kind": self.kind, "options": self.engine_options(pipeline_name)}

    @property
    def sink(self) -> Optional[Any]:
        """The function of a custom destination."""
        return None

    @property
    def placeholders(self) -> Optional[Any]:
        """What fills in the layout of files."""
        return None

    def __repr__(self) -> str:
        return f"<dlt.destinations.{self.kind}(destination_type='{self.destination_type}')>"


class Filesystem(Destination):
    """A folder; its place comes first."""

    def __init__(self, bucket_url: Any = None, credentials: Any = None, **options: Any) -> None:
        if bucket_url is not None:
            options["bucket_url"] = str(bucket_url)
        super().__init__(credentials, **options)
        given = self.config_params.get("extra_placeholders") or {}
        functions = {name: value for name, value in given.items() if callable(value)}
        now = self.config_params.get("current_datetime")
        self._placeholders: Any = None
        if functions or (now is not None and not isinstance(now, str)):
            from windlass.destinations.layout import LayoutCallbacks

            self._placeholders = LayoutCallbacks(functions, now)

    @property
    def placeholders(self) -> Optional[Any]:
        """The functions behind placeholders of the layout."""
        return self._placeholders

    def engine_options(self, pipeline_name: str) -> Dict[str, Any]:
        """The options without what is a function: that is called by the engine."""
        own = dict(self.config_params)
        extra = own.get("extra_placeholders")
        if extra:
            # None stands for the text, as everything else does.
            own["extra_placeholders"] = {name: str(value) for name, value in extra.items() if not callable(value)}
        if self._placeholders is not None and not isinstance(own.get("current_datetime"), str):
            own.pop("current_datetime", None)
        fresh = copy.copy(self)
        fresh.config_params = own
        options = super(Filesystem, fresh).engine_options(pipeline_name)
        extra = options.get("extra_placeholders")
        if isinstance(extra, dict):
            options["extra_placeholders"] = {name: str(value) for name, value in extra.items()}
        return options


def _plain(value: Any) -> Any:
    """A value as JSON has it: connections and paths become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "to_native_representation"):
        return _plain(value.to_native_representation())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    url = getattr(value, "url", value)
    if hasattr(url, "render_as_string"):
        # A URL of SQLAlchemy, or its engine.
        return url.render_as_string(hide_password=False)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (Decimal, uuid.UUID, enum.Enum)):
        return str(value.value if isinstance(value, enum.Enum) else value)
    if callable(value):
        return _plain(value())
    kind = type(value)
    if kind.__module__.split(".")[0] in ("duckdb", "_duckdb"):
        raise NotImplementedError(
            "windlass opens DuckDB files itself, and takes no connection of the package duckdb (yet): give the path of the file, and "
            "close the connection"
        )
    raise TypeError(
        f"a value of type `{kind.__module__}.{kind.__qualname__}` cannot be an option of a destination: give text, a number, a path "
        "or a dictionary"
    )


_options: Dict[str, Dict[str, Any]] = {}


def _schema(kind: str) -> Dict[str, Any]:
    if kind not in _options:
        _options[kind] = json.loads(native().destination_options(kind)) or {}
    return _options[kind]


def option_names(kind: str) -> List[str]:
    """The options that a destination has."""
    return [name for name in _schema(kind).get("properties", {}) if name not in ("type", "name")]


def credential_fields(kind: str) -> List[str]:
    """The fields of credentials that are given one by one."""
    if kind == "duckdb":
        return ["database"]
    if kind == "sqlite":
        return ["database", "drivername"]
    if kind == "mysql":
        return ["drivername", "database", "username", "password", "host", "port", "query"]
    if kind == "postgres":
        return ["drivername", "database", "username", "password", "host", "port", "query", "connect_timeout"]
    return []


def _from_text(kind: str, name: str, value: Any) -> Any:
    """The text of a setting in the type of the option."""
    if not isinstance(value, str):
        return value
    described = _schema(kind).get("properties", {}).get(name, {})
    types = described.get("type")
    types = types if isinstance(types, list) else [types]
    from windlass.common.configuration.coerce import coerce

    if "boolean" in types:
        return coerce(name, value, bool)
    if "integer" in types:
        return coerce(name, value, int)
    if "object" in types or "array" in types or value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


class UnknownDestination(Destination):
    """A destination of the reference that this engine does not have."""


def factory_of(name: str) -> Type[Destination]:
    """The class of a kind of destination."""
    if name == "dummy":
        from windlass.destinations.custom import Dummy

        return Dummy
    kinds = native().destination_kinds()
    kind = name
    if name == "sqlalchemy" and "sqlalchemy" not in kinds:
        kind = "sqlite"
    if kind not in kinds:
        raise NotImplementedError(
            f"windlass has no destination `{name}` (yet); {choices(name, kinds)}, and `@dlt.destination` for everything else"
        )
    base = Filesystem if kind == "filesystem" else Destination
    return type(name, (base,), {"kind": kind, "__doc__": f"The destination `{name}`."})


def from_reference(reference: Any, credentials: Any = None) -> Optional[Destination]:
    """The destination that an argument names."""
    if reference is None:
        return None
    if isinstance(reference, Destination):
        found = reference
    elif isinstance(reference, str):
        found = _by_name(reference)
    elif callable(reference):
        found = reference()
        if not isinstance(found, Destination):
            raise InvalidDestinationReference(
                reference, msg=f"`{reference!r}` is not a destination: give a name such as `duckdb`, or dlt.destinations.*"
            )
    else:
        raise InvalidDestinationReference(
            reference, msg=f"`{reference!r}` is not a destination: give a name such as `duckdb`, or dlt.destinations.*"
        )
    return found if credentials is None else found.with_credentials(credentials)


def _by_name(name: str) -> Destination:
    import windlass.destinations as known

    if "." not in name:
        configured, _ = lookup("destination_type", ("destination", name))
        if isinstance(configured, str):
            factory = getattr(known, configured.rsplit(".", 1)[-1])
            return factory(destination_name=name)  # type: ignore[no-any-return]
    short = name
    for prefix in ("dlt.destinations.", "windlass.destinations."):
        short = short[len(prefix) :] if short.startswith(prefix) else short
    if short in known._NAMES:
        return getattr(known, short)()  # type: ignore[no-any-return]
    if "." in name:
        import importlib

        module, _, attribute = name.rpartition(".")
        try:
            return from_reference(getattr(importlib.import_module(module), attribute))  # type: ignore[return-value]
        except (ImportError, AttributeError):
            pass
    raise UnknownDestinationModule(
        name,
        [],
        [],
        msg=f"there is no destination `{name}`; {choices(name, native().destination_kinds())}",
    )
