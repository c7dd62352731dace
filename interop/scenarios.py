"""Runs over one pipeline: a list of steps for each name, each with its resources."""
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal


def at(hour, day=1):
    return datetime(2025, 3, day, hour, 30, 15, 250_000, tzinfo=timezone.utc)


def one(items, name="items", **hints):
    """A step with one resource."""
    return {"resources": [{"name": name, "items": items, **hints}]}


def steps(runs, **hints):
    return [one(items, **hints) for items in runs]


NESTED = [
    [{"id": 1, "name": "a", "tags": ["x", "y"], "lines": [{"n": 1, "parts": [{"p": 1}]}, {"n": 2}]}, {"id": 2, "name": "b", "tags": []}],
    [{"id": 2, "name": "B", "tags": ["z"], "lines": [{"n": 3, "parts": [{"p": 2}, {"p": 3}]}]}, {"id": 3, "name": "c"}],
    [{"id": 1, "name": "A", "tags": ["w"], "lines": [{"n": 4}], "more": {"deep": True}}, {"id": 4, "name": "d", "tags": ["v"]}],
]

VARIANTS = [
    [{"id": 1, "value": 7, "at": "2025-01-01T00:00:00Z", "inner": {"x": 1, "y": None}, "list": [1, 2]}],
    [{"id": 2, "value": "seven", "at": 12, "inner": {"x": "one", "y": 2.5}, "list": ["a", {"k": 1}]}],
    [{"id": 3, "value": 7.5, "at": "later", "inner": "flat", "list": {"not": "a list"}, "new": [{"z": [1]}]}],
]

TYPES = [
    [{"id": 1, "d": Decimal("12.5"), "t": at(1), "day": date(2025, 1, 2), "f": 0.1, "b": True, "big": 2**53 + 1, "s": "Zoë 🚢"}],
    [{"id": 2, "d": Decimal("-0.000001"), "t": at(2), "day": date(1969, 7, 20), "f": -1e300, "b": False, "big": -(2**63), "s": ""}],
    [{"id": 3, "d": None, "t": None, "extra": at(3)}],
]

BY_ID = [
    [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}],
    [{"id": 2, "v": "b"}, {"id": 3, "v": "c"}, {"id": 4, "v": "d"}],
    [{"id": 3, "v": "c"}, {"id": 4, "v": "d"}, {"id": 5, "v": "e"}],
    [{"id": 5, "v": "e"}],
]

BY_TIME = [
    [{"id": 1, "at": at(1)}, {"id": 2, "at": at(2)}, {"id": 3, "at": at(2)}],
    [{"id": 2, "at": at(2)}, {"id": 3, "at": at(2)}, {"id": 4, "at": at(2)}, {"id": 5, "at": at(3)}],
    [{"id": 5, "at": at(3)}, {"id": 6, "at": at(4) + timedelta(microseconds=1)}],
    [{"id": 6, "at": at(4) + timedelta(microseconds=1)}],
]

BY_TEXT = [[{**row, "at": row["at"].isoformat()} for row in rows] for rows in BY_TIME]

HISTORY = [
    [{"id": 1, "v": "a", "kids": [1, 2]}, {"id": 2, "v": "b", "kids": []}, {"id": 3, "v": "c", "kids": [3]}],
    [{"id": 1, "v": "a", "kids": [1, 2]}, {"id": 2, "v": "B", "kids": [4]}, {"id": 4, "v": "d", "kids": []}],
    [{"id": 2, "v": "b", "kids": []}, {"id": 3, "v": "c", "kids": [3]}, {"id": 4, "v": "d", "kids": [5]}],
]

KEYED = [
    [{"id": 1, "lines": [{"k": 1, "v": "a", "parts": [1, 2]}, {"k": 2, "v": "b"}]}, {"id": 2, "lines": [{"k": 3, "v": "c"}]}],
    [{"id": 1, "lines": [{"k": 2, "v": "B", "parts": [3]}, {"k": 9, "v": "z"}]}],
    [{"id": 3, "lines": [{"k": 1, "v": "A", "parts": []}]}, {"id": 2, "lines": [{"k": 4, "v": "d", "parts": [4]}]}],
]

FLAT = [[{key: value for key, value in row.items() if key != "kids"} for row in rows] for rows in HISTORY]

# Everything that loads are made of, on every destination.
SCENARIOS = {
    "append": steps(NESTED),
    "variants": steps(VARIANTS),
    "types": steps(TYPES),
    "replace": steps(NESTED, write_disposition="replace"),
    "merge": steps(NESTED, write_disposition="merge", primary_key="id"),
    "merge_variants": steps(VARIANTS, write_disposition="merge", primary_key="id"),
    "scd2": steps(FLAT, write_disposition={"disposition": "merge", "strategy": "scd2"}),
    "scd2_nested": steps(HISTORY, write_disposition={"disposition": "merge", "strategy": "scd2"}),
    "upsert": steps(NESTED, write_disposition={"disposition": "merge", "strategy": "upsert"}, primary_key="id"),
    "keyed_lists": steps(KEYED, write_disposition={"disposition": "merge", "strategy": "upsert"}, primary_key="id",
                         nested_hints={"lines": {"primary_key": "k", "write_disposition": {"disposition": "merge", "strategy": "upsert"}}}),
    "keyed_lists_appended": steps(KEYED, write_disposition={"disposition": "merge", "strategy": "upsert"}, primary_key="id",
                                  nested_hints={"lines": {"primary_key": "k"}}),
    "by_id": steps(BY_ID, incremental={"cursor_path": "id"}),
    "by_id_with_key": steps(BY_ID, incremental={"cursor_path": "id", "initial_value": 0}, primary_key="id"),
    "by_time": steps(BY_TIME, incremental={"cursor_path": "at", "initial_value": at(0)}),
    "by_text": steps(BY_TEXT, incremental={"cursor_path": "at"}),
    "by_time_merge": steps(BY_TIME, write_disposition="merge", primary_key="id", incremental={"cursor_path": "at"}),
    "unchanged": steps([NESTED[0]] * 3, write_disposition="replace"),
    "nothing_new": steps([BY_ID[0]] * 3, incremental={"cursor_path": "id"}),
    "nothing_new_at_one_time": steps([BY_TEXT[0]] * 3, incremental={"cursor_path": "at"}),
    "two_resources": [
        {"resources": [{"name": "a", "items": BY_ID[0], "incremental": {"cursor_path": "id"}}, {"name": "b", "items": NESTED[0], "write_disposition": "merge", "primary_key": "id"}]},
        {"resources": [{"name": "b", "items": NESTED[1], "write_disposition": "merge", "primary_key": "id"}]},
        {"resources": [{"name": "a", "items": BY_ID[1], "incremental": {"cursor_path": "id"}}, {"name": "c", "items": VARIANTS[0]}]},
    ],
    "hints": steps(NESTED, columns={"name": {"data_type": "text", "nullable": False}, "later": {"data_type": "timestamp"}},
                   max_table_nesting=1),
    "root_key": [{**step, "source": {"root_key": True}} for step in steps(NESTED)],
}

# Strategies that the filesystem does not have; dlt refuses them there.
TABLES_ONLY = {"upsert", "scd2", "scd2_nested", "keyed_lists", "keyed_lists_appended"}

# dlt keeps the digests of a cursor in a set of texts, whose order hangs on a salt of the process (PYTHONHASHSEED): after another
# process, its own too, it may store the same state once more. There is no order that it would leave alone. Only windlass has to
# leave the state alone, so dlt begins. `DigestOrder` in test_interop.py shows it.
# The second comes to dlt's version and hash, but by way of other earlier hashes, when windlass begins.
BEGUN_BY_DLT = {"nothing_new_at_one_time", "keyed_lists_appended"}
