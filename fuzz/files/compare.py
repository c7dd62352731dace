"""What was loaded beside what stands in the files: every value is at its place, as it is or in a variant."""

import base64
import datetime
import decimal
import json
import math
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
from make import DAY, UNITS, Map, Time

WORDS = {True: ("yes", "true", "t", "y", "1"), False: ("no", "false", "f", "n", "0")}


# What is expected ----------------------------------------------------------------------------------------------------

def tables_of(root, records):
    """Rows by table and key: the id of the record, then the positions in the lists that lead to the row."""
    tables = {}

    def row(table, key, fields):
        cells = tables.setdefault(table, {}).setdefault(key, {})

        def members(prefix, fields):
            for name, value in fields.items():
                path = f"{prefix}__{name}" if prefix else name
                if isinstance(value, dict):
                    members(path, value)
                elif isinstance(value, list):
                    for at, item in enumerate(value):
                        below = item if isinstance(item, dict) else {"list" if isinstance(item, list) else "value": item}
                        row(f"{table}__{path}", (*key, at), below)
                elif value is not None:
                    cells[path] = value

        members("", fields)

    for record in records:
        row(root, (record["id"],), record)
    return tables


# What was loaded -----------------------------------------------------------------------------------------------------

def plain(column):
    """Values of a column in the terms of the files: no time is beyond them."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return [None if v is None else Time("timestamp", v * UNITS[kind.unit]) for v in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(kind):
        return [None if v is None else Time("date", v) for v in column.cast(pa.int32()).to_pylist()]
    if pa.types.is_time(kind):
        ints = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return [None if v is None else Time("time", v * UNITS[kind.unit]) for v in ints.to_pylist()]
    return column.to_pylist()


def loaded(dataset, roots):
    """Rows by table and key, of the tables of these resources."""
    raw = {}
    for folder in pathlib.Path(dataset).iterdir():
        if folder.is_dir() and folder.name.split("__")[0] in roots:
            rows = []
            for file in sorted(folder.glob("*.parquet")):
                table = pq.read_table(file)
                columns = [plain(column) for column in table.columns]
                rows += [dict(zip(table.column_names, values)) for values in zip(*columns)]
            raw[folder.name] = rows
    tables, keys = {}, {}
    for name in sorted(raw, key=lambda name: name.count("__")):
        for row in raw[name]:
            parent = row.get("_dlt_parent_id")
            if parent is None:
                key = (row["id"],)
            else:
                key = (*keys.get(parent, ("no parent",)), row["_dlt_list_idx"])
            keys[row["_dlt_id"]] = key
            own = {column: value for column, value in row.items() if not column.startswith("_dlt") and value is not None}
            if key in tables.setdefault(name, {}):
                raise SystemExit(f"two rows of {name} have one key: {key}")
            tables[name][key] = own
    return tables


# Whether they are the same -------------------------------------------------------------------------------------------

def iso(time):
    """A time as text, for years of any length."""
    if time.kind == "date":
        return date_text(time.value)
    days, rest = divmod(time.value, DAY)
    seconds, nanos = divmod(rest, 10**9)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    micros = nanos // 1000
    clock += f".{micros:06}" if micros else ""
    return clock if time.kind == "time" else f"{date_text(days)}T{clock}"


def date_text(days):
    shifted = days + 719_468
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{'-' if year < 0 else '+' if year > 9999 else ''}{abs(year):04}-{month:02}-{day:02}"


def number_of(text):
    try:
        return decimal.Decimal(text.strip().replace("_", ""))
    except decimal.InvalidOperation:
        return None


def instant(text):
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def same(expected, found):
    """Whether a loaded value is the expected one, in the type that its column has."""
    if isinstance(expected, Time):
        if isinstance(found, Time):
            return same_time(expected, found)
        raw = [str(expected.value // unit) for unit in UNITS.values() if expected.value % unit == 0]
        texts = [iso(expected), iso(expected) + "+00:00", iso(expected) + "Z", *raw]
        return str(found) in texts
    if isinstance(expected, bool):
        return found == str(expected) if isinstance(found, str) else found == expected and not isinstance(found, Time)
    if isinstance(expected, bytes):
        # As a text, bytes are base64, and none of them is an empty number.
        return found in (expected, base64.b64encode(expected).decode() or "0x")
    if isinstance(expected, (int, float, decimal.Decimal)):
        return same_number(expected, found)
    return same_text(expected, found)


def same_time(expected, found):
    if expected.kind == found.kind:
        # A destination without nanoseconds cuts them off.
        return found.value in (expected.value, expected.value // 1000 * 1000)
    return {expected.kind, found.kind} == {"date", "timestamp"} and iso(expected)[:10] == iso(found)[:10]


def same_number(expected, found):
    if isinstance(found, str):
        if isinstance(expected, float) and found in ("nan", "inf", "-inf", "NaN", "Infinity", "-Infinity"):
            return float(found) == expected or math.isnan(expected)
        value = number_of(found)
        return value is not None and (value == expected or float(value) == float(expected))
    if isinstance(found, bool):
        return found == bool(expected)
    if isinstance(found, float):
        return found == expected or (math.isnan(found) and expected != expected) or found == float(expected)
    if isinstance(found, Time):
        return found.kind != "time" and abs(found.value * (DAY if found.kind == "date" else 1) - expected * 10**9) <= DAY
    if isinstance(found, decimal.Decimal) and isinstance(expected, float):
        return found == decimal.Decimal(repr(expected)).quantize(decimal.Decimal(1).scaleb(found.as_tuple().exponent), decimal.ROUND_HALF_UP)
    return found == expected


def same_text(expected, found):
    if isinstance(found, str):
        return found == expected
    if isinstance(found, bool):
        return expected.lower() in WORDS[found]
    value = number_of(expected)
    if isinstance(found, Time):
        # A number in a column of timestamps is one of seconds, as in the reference.
        nanos = value * 10**9 if value is not None and value.is_finite() else instant(expected)
        return found.kind == "time" or (nanos is not None and abs(found.value * (DAY if found.kind == "date" else 1) - nanos) <= 1000)
    if isinstance(found, float):
        return value is not None and (float(value) == found or (value.is_nan() and math.isnan(found)))
    return value is not None and value == found


def is_of(column, name):
    return column == name or column.startswith(f"{name}__v_")


def problems(root, file, tables):
    """What is wrong with a file that was loaded, as lines."""
    expected = tables_of(root, file.records)
    maps = [(table, name) for table, rows in expected.items() for cells in rows.values()
            for name, value in cells.items() if isinstance(value, Map)]
    under_map = {table if name == "value" else f"{table}__{name}" for table, name in maps}
    lines = []
    for table, rows in expected.items():
        there = tables.get(table, {})
        if len(there) != len(rows):
            lines.append(f"{table}: {len(rows)} rows are expected, {len(there)} were loaded")
        for key, cells in rows.items():
            lines += row_problems(table, key, cells, there.get(key, {}), tables)
    known = set(expected)
    for table in tables:
        below_map = any(table == map_table or table.startswith(map_table + "__") for map_table in under_map)
        if (table == root or table.startswith(root + "__")) and table not in known and not below_map:
            lines.append(f"{table}: nobody expects this table")
    return lines


def row_problems(table, key, cells, row, tables):
    lines, taken = [], set()
    for name, value in cells.items():
        if isinstance(value, Map):
            # An element of a list has the row for itself.
            own = [column for column in row if name == "value" or is_of(column, name) or column.startswith(f"{name}__")]
            taken.update(own)
            pool = [row[column] for column in own]
            prefix = table if name == "value" else f"{table}__{name}"
            pool += [found for below, rows in tables.items() if below == prefix or below.startswith(prefix + "__")
                     for other, fields in rows.items() if len(other) > len(key) and other[: len(key)] == key
                     for found in fields.values()]
            for leaf in [leaf for pair in value.entries for leaf in pair if leaf is not None]:
                if not any(same(leaf, found) for found in pool):
                    lines.append(f"{table}.{name} of {key}: {leaf!r} of a map is not among {pool!r}")
            continue
        columns = [column for column in row if is_of(column, name)]
        taken.update(columns)
        if value == "" and not columns:
            continue
        if len(columns) != 1:
            lines.append(f"{table}.{name} of {key}: {value!r} is in {len(columns)} columns: {({c: row[c] for c in columns})!r}")
        elif not same(value, row[columns[0]]):
            lines.append(f"{table}.{name} of {key}: {value!r} became {row[columns[0]]!r} in {columns[0]}")
    lines += [f"{table}.{column} of {key}: {row[column]!r} came from nowhere" for column in row if column not in taken]
    return lines


def named(line, output):
    """Whether the run itself said something about the column of a problem."""
    place = line.split(" of ")[0].split(": ")[0]
    table, _, column = place.partition(".")
    return any(table in text and (not column or column in text) for text in output.splitlines() if "warning" in text or "note" in text)


def shown(record):
    return json.dumps(record, default=str, ensure_ascii=False)[:300]
