#!/usr/bin/env python3
"""Writes down the public names of dlt and the parameters of what can be called: `record.py > dlt-1.31.0.json`.

To be run by an interpreter that has dlt. Of parameters the names are kept: what matters is which keywords a script may use.
Classes keep their public members. Modules of the reference that nobody but itself imports from are left out.
"""

import importlib
import inspect
import json
import sys

#: The modules that scripts import from. The inner ones (clients, jobs, buffers) are no part of what scripts see.
MODULES = """
dlt dlt.destinations dlt.destinations.adapters dlt.sources dlt.sources.credentials
dlt.sources.config dlt.extract dlt.pipeline dlt.common dlt.common.configuration dlt.common.configuration.specs
dlt.common.configuration.providers dlt.common.configuration.exceptions

dlt.common.exceptions dlt.common.json dlt.common.libs.pydantic dlt.common.libs.pandas dlt.common.libs.numpy
dlt.common.normalizers.naming dlt.common.pendulum dlt.common.pipeline dlt.common.runtime.collector
dlt.common.schema dlt.common.schema.typing dlt.common.time dlt.common.typing dlt.common.utils
dlt.common.data_types dlt.common.destination dlt.common.wei dlt.common.runtime.slack
dlt.dataset dlt.destinations.exceptions dlt.extract.exceptions dlt.extract.incremental
dlt.load.exceptions dlt.normalize.exceptions dlt.pipeline.exceptions dlt.pipeline.helpers dlt.pipeline.trace
dlt.pipeline.progress dlt.pipeline.current dlt.pipeline.mark
dlt.sources.helpers

dlt.sources.helpers.transform
""".split()


def parameters(value):
    """The names of the parameters of what can be called; stars tell how many more it takes."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [marks.get(parameter.kind, "") + parameter.name for parameter in found if parameter.name not in ("self", "cls")]


def members(kind):
    """The public methods, with their parameters, and attributes of a class."""
    found = {}
    for owner in reversed(kind.__mro__):
        if not owner.__module__.startswith(("dlt.", "windlass.")):
            continue
        for name, value in list(vars(owner).items()):
            if name.startswith("_"):
                continue
            inner = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
            found[name] = parameters(inner) if callable(inner) and not isinstance(inner, type) else None
        for name in owner.__dict__.get("__annotations__", {}):
            if not name.startswith("_"):
                found.setdefault(name, None)
    return found


def described(value):
    """What is kept of one name."""
    if inspect.isclass(value):
        module = value.__module__
        if not module.startswith(("dlt.", "windlass.")) or issubclass(value, BaseException):
            return {"kind": "class"}
        return {"kind": "class", "parameters": parameters(value), "members": members(value)}
    if inspect.isroutine(value) or (callable(value) and getattr(type(value), "__module__", "").startswith(("dlt", "windlass"))):
        return {"kind": "function", "parameters": parameters(value)}
    return {"kind": "value"}


def is_public(module, name, value):
    """Whether a name is the module's own, or one that it passes on on purpose."""
    if name.startswith("_") or inspect.ismodule(value):
        return False
    if not module.__name__.startswith("dlt"):
        # What is asked is whether windlass has a name, whatever it lists.
        return True
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return name in listed
    owner = getattr(value, "__module__", None)
    return owner == module.__name__ or not isinstance(owner, str)


def names_of(name):
    """The public names of a module. Raises `ImportError` if there is none."""
    module = importlib.import_module(name)
    found = {}
    for public in sorted(set(dir(module)) | set(getattr(module, "__all__", ()))):
        try:
            value = getattr(module, public)
        except Exception:  # noqa: BLE001 (names whose libraries are not there)
            continue
        if is_public(module, public, value):
            found[public] = described(value)
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "dlt"
    result = {}
    for name in MODULES:
        try:
            result[name] = names_of(root + name[3:])
        except Exception as cause:  # noqa: BLE001 (what a module needs may be absent)
            print(f"{name}: {cause}", file=sys.stderr)
    json.dump(result, sys.stdout, indent=None, separators=(",", ":"), sort_keys=True)
    print()


if __name__ == "__main__":
    main()
