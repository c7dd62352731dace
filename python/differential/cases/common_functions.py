"""Functions that scripts take from `dlt.common`."""

import importlib
from datetime import date, datetime, timedelta, timezone


def run(dlt, workdir):
    root = dlt.__name__
    module = lambda name: importlib.import_module(f"{root}.{name}")  # noqa: E731
    utils, time = module("common.utils"), module("common.time")
    transform, typing = module("sources.helpers.transform"), module("common.schema.typing")
    found = []

    def t(call):
        try:
            value = call()
            found.append(value.isoformat() if hasattr(value, "isoformat") else value)
        except Exception as cause:
            found.append(type(cause).__name__)

    t(lambda: [utils.digest128("a"), utils.digest256("a"), utils.digest128("a", 9)])
    t(lambda: [len(utils.uniq_id()), len(utils.uniq_id(4)), len(utils.uniq_id_base64(9))])
    t(lambda: list(map(list, utils.chunks([1, 2, 3], 2))))
    t(lambda: list(utils.flatten_list_or_items([[1], 2])))
    t(lambda: utils.flatten_list_of_str_or_dicts(["a", {"b": 1}]))
    t(lambda: utils.flatten_list_of_str_or_dicts(["a", {"a": 1}]))
    t(lambda: utils.update_dict_nested({"a": {"b": 1}}, {"a": {"c": 2}, "d": 1}))
    t(lambda: utils.map_nested_in_place(lambda value: value + 1, {"a": [1, {"b": 2}]}))
    t(lambda: utils.without_none({"a": None, "b": 0}))
    t(lambda: utils.exclude_keys({"a": 1, "b": 2}, ["a"]))
    t(lambda: utils.order_deduped([2, 1, 2]))
    t(lambda: list(utils.concat_strings_with_limit(["a", "bb", "ccc"], " ", 4)))
    t(lambda: [utils.str2bool("Yes"), utils.str2bool("0")])
    t(lambda: utils.str2bool("maybe"))
    t(lambda: utils.compressed_b64decode(utils.compressed_b64encode(b"abc")).decode())
    t(lambda: utils.group_by_key([1, 2, 3], lambda value: "odd" if value % 2 else "even"))
    t(lambda: [utils.get_callable_name(run), utils.removeprefix("abc", "a")])
    for text in ("2024-01-01", "2024-01-01T01:00:00", "2024-01-01T01:00:00.5Z", "2024-01-01T01:00:00+02:00", "01:02:03"):
        t(lambda: time.parse_iso_like_datetime(text))
    for value in (date(2024, 1, 1), datetime(2024, 1, 1, 5), 1700000000, "2024-01-01T05:00:00+05:00"):
        t(lambda: time.ensure_date(value))
        t(lambda: time.ensure_datetime(value))
    t(lambda: [time.to_seconds(timedelta(days=1)), time.to_seconds(5), time.to_seconds(None)])
    moment = datetime(2024, 1, 1, 2, 3, 4, 567891, timezone.utc)
    t(lambda: [time.datetime_to_timestamp(moment), time.datetime_to_timestamp_ms(moment), time.datetime_to_timestamp_us(moment)])
    t(lambda: time.reduce_pendulum_datetime_precision(moment, 3))
    t(lambda: [time.timestamp_within(5, 1, 9), time.timestamp_within(5, 5, 9), time.timestamp_within(5, None, None)])
    t(lambda: [time.timestamp_before(5, 5), time.timestamp_before(6, 5)])
    first, rest = transform.take_first(2), transform.skip_first(2)
    t(lambda: [[first(n) for n in range(4)], [rest(n) for n in range(4)]])
    t(lambda: transform.pivot("$.a", "c")({"a": [[1, 2], [3, 4]], "b": 1}))
    t(lambda: transform.pivot("$.a")({"a": [1, 2]}))
    t(lambda: sorted(typing.WRITE_DISPOSITIONS) + sorted(typing.COLUMN_HINTS) + [typing.C_DLT_ID, typing.LOADS_TABLE_NAME])
    return found
