"""The public names of the reference and their parameters, as they were recorded: what is missing is missing for a reason."""

import json
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "names"))
import record  # noqa: E402

RECORDED = json.loads((HERE / "dlt_names.json").read_text(encoding="utf-8"))
#: Names, keywords and members that windlass does not have, and why: `module`, `module.name`, `module.name(keyword)` or
#: `module.name.member`; a `*` at the end stands for all that begin so.
REASONS = json.loads((HERE / "missing_names.json").read_text(encoding="utf-8"))


def reason_of(place):
    """Why something is missing; `None` if nothing says so."""
    for known, reason in REASONS.items():
        if place == known or (known.endswith("*") and place.startswith(known[:-1])):
            return reason
    return None


def own(module):
    """The same of windlass; `None` if there is no such module, or a library that it needs is not there."""
    try:
        return record.names_of("windlass" + module[len("dlt") :])
    except ImportError:
        return None


def missing(module):
    """What windlass does not have of a module."""
    found = own(module)
    if found is None:
        return [module]
    places = []
    for name, expected in RECORDED[module].items():
        place = f"{module}.{name}"
        if name not in found and not has(module, name):
            places.append(place)
        if name not in found:
            continue
        places += [f"{place}({keyword})" for keyword in keywords(expected, found[name])]
        members = found[name].get("members")
        for member, parameters in (expected.get("members") or {}).items():
            # Attributes are set when an instance is made: the differential scripts compare these.
            if parameters is None or members is None:
                continue
            if member not in members:
                places.append(f"{place}.{member}")
            elif members[member] is not None:
                taken = keywords({"parameters": parameters}, {"parameters": members[member]})
                places += [f"{place}.{member}({keyword})" for keyword in taken]
    return places


def keywords(expected, found):
    """Parameters that are not taken."""
    if expected.get("parameters") is None or found.get("parameters") is None:
        return []
    if any(name.startswith("**") for name in found["parameters"]):
        # What takes any keyword is tried below.
        return []
    return [name for name in expected["parameters"] if name not in found["parameters"] and not name.startswith("*")]


def has(module, name):
    """Whether a module has a name that it finds when it is asked for."""
    import importlib

    try:
        getattr(importlib.import_module("windlass" + module[len("dlt") :]), name)
    except NotImplementedError:
        # It is there to say that it is not.
        return True
    except (AttributeError, ImportError):
        return False
    return True


@pytest.mark.parametrize("module", list(RECORDED))
def test_what_is_missing_has_a_reason(module):
    without = [place for place in missing(module) if reason_of(place) is None]
    assert without == []


def test_reasons_are_of_what_is_missing():
    places = [place for module in RECORDED for place in missing(module)]
    stale = [
        known
        for known in REASONS
        if not any(place == known or (known.endswith("*") and place.startswith(known[:-1])) for place in places)
    ]
    # Modules that need a library which is not there are missing as a whole.
    assert [known for known in stale if own(known.rstrip("*").rstrip(".")) is not None] == []


def test_stars_hide_nothing():
    """What takes any keyword names those that it does not know."""
    import windlass as dlt

    calls = [
        lambda: dlt.resource([1], name="x", nonsense=1),
        lambda: dlt.transformer(lambda item: item, nonsense=1),
        lambda: dlt.source(nonsense=1),
        lambda: dlt.attach("x", nonsense=1),
        lambda: dlt.pipeline("x", nonsense=1),
        lambda: dlt.destinations.duckdb(nonsense=1),
        lambda: dlt.Schema("s").to_dbml(nonsense=1),
        lambda: dlt.Schema("s").to_mermaid(nonsense=1),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="nonsense"):
            call()


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda dlt, p: dlt.pipeline("x", staging="filesystem"), "staging"),
        (lambda dlt, p: p.run([1], table_name="t", staging="filesystem"), "staging"),
        (lambda dlt, p: p.load(raise_on_failed_jobs=False), "raise_on_failed_jobs"),
        (lambda dlt, p: p.sync_schema(), "sync_schema"),
        (lambda dlt, p: dlt.resource([1], name="x", _impl_cls=dict), "_impl_cls"),
        (lambda dlt, p: dlt.source(lambda: [], name="x", _impl_cls=dict), "_impl_cls"),
        (lambda dlt, p: dlt.destinations.snowflake(), "snowflake"),
        (lambda dlt, p: dlt.Schema("s").to_dbml(group_by_resource=True), "group_by_resource"),
        (lambda dlt, p: dlt.current.load_package_state(), "load packages"),
        (lambda dlt, p: dlt.progress.enlighten(), "enlighten"),
        (lambda dlt, p: __import__("windlass.destinations.adapters").destinations.adapters.bigquery_adapter([]), "bigquery"),
    ],
)
def test_what_the_reference_has_and_windlass_has_not_is_named(call, name, pipeline):
    import windlass as dlt

    with pytest.raises(NotImplementedError, match=name):
        call(dlt, pipeline)
