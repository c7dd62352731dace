"""Random files, and what stands in them: each seed makes one file and the records that a reader has to find.

Leaves of records are None, bool, int, float, str, bytes, Decimal, and `Time` for dates, times and timestamps, since
Python's own end with the year 9999.
"""

import csv
import decimal
import io
import json
import random
import string
import struct
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 100
DAY = 86_400_000_000_000
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class Time(NamedTuple):
    """`kind` is date (days), time or timestamp (nanoseconds)."""

    kind: str
    value: int


class Map(NamedTuple):
    """The entries of a map, which are looked for by their values."""

    entries: tuple


class File(NamedTuple):
    """A file: its name's ending, its bytes, the options of its resource, its records."""

    ending: str
    bytes: bytes
    options: dict
    records: list


KINDS = {"json": 4, "csv": 3, "parquet": 4}


def file_of(seed, kinds=tuple(KINDS)):
    rng = random.Random(seed)
    makers = {"json": json_file, "csv": csv_file, "parquet": parquet_file}
    return makers[rng.choices(kinds, [KINDS[kind] for kind in kinds])[0]](rng)


# Names that come out as they are, so that every value has one place where it belongs.
def names(rng, count):
    found = []
    while len(found) < count:
        name = rng.choice(string.ascii_lowercase) + "".join(rng.choices(string.ascii_lowercase + string.digits, k=rng.randint(1, 6)))
        if name not in found and name not in ("id", "value", "list") and not name.startswith("dlt"):
            found.append(name)
    return found


def text(rng):
    how = rng.randrange(12)
    if how == 0:
        return ""
    if how == 1:
        return chr(rng.randrange(0xF020, 0xF030)) + rng.choice(["", "1.5", "2024-01-01", "x", "NaN", "\uf026"])
    if how == 2:
        return "".join(chr(rng.choice([rng.randrange(1, 0xD800), rng.randrange(0xE000, 0x110000)])) for _ in range(rng.randint(1, 8)))
    if how == 3:
        return rng.choice(["🧡 love", "A香", ".香港", "P২Y", "null", "NaN", "true", "-", "0x", "\\", '"', "'", "a,b;c|d\te", "\u2028"])
    if how == 4:
        return rng.choice(["a\nb", "a\r\nb", "a\rb", " a ", "\ta", "a\x00b", "\x7f", "\ufeffa"])
    if how == 5:
        return str(rng.randint(-(10**20), 10**20))
    if how == 6:
        return f"{rng.randint(1900, 2100)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return "".join(rng.choices(string.printable[:95], k=rng.randint(1, 20)))


def integer(rng):
    return rng.choice([
        rng.randint(-5, 5), rng.randint(-(2**31), 2**31), rng.randint(-(2**63), 2**63 - 1), 2**53 + 1, 2**63 - 1, -(2**63),
    ])


def number(rng):
    return rng.choice([
        0.5, -0.0, rng.uniform(-1, 1), rng.uniform(-1e6, 1e6), rng.gauss(0, 1) * 10.0 ** rng.randint(-300, 300), 1e16, 0.1,
    ])


# JSON ---------------------------------------------------------------------------------------------------------------

def json_leaf(rng, kind):
    if rng.random() < 0.08:
        return None
    if rng.random() < 0.04:
        kind = rng.choice(["text", "int", "float", "bool", "big", "time"])
    if kind == "text":
        return text(rng)
    if kind == "int":
        return integer(rng)
    if kind == "big":
        return rng.choice([-1, 1]) * rng.randint(2**63, 10 ** rng.randint(20, 45))
    if kind == "float":
        return number(rng) if rng.random() > 0.03 else rng.choice([float("nan"), float("inf"), float("-inf")])
    if kind == "time":
        zone = rng.choice(["", "Z", "+00:00", "+02:30"])
        second = f"{rng.randint(0, 59):02}" + rng.choice(["", f".{rng.randint(0, 999999):06}"])
        return f"{rng.randint(1000, 9999)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{second}{zone}"
    return rng.random() < 0.5


def json_shape(rng, depth):
    """What a key holds: a kind of leaf, an object, or a list."""
    how = rng.random()
    if depth == 0 or how < 0.7:
        return rng.choice(["text", "int", "float", "bool", "int", "text", "time", "big"])
    if how < 0.85:
        return {name: json_shape(rng, depth - 1) for name in names(rng, rng.randint(1, 3))}
    return [json_shape(rng, depth - 1)]


def json_value(rng, shape):
    if isinstance(shape, dict):
        return {name: json_value(rng, inner) for name, inner in shape.items() if rng.random() < 0.9}
    if isinstance(shape, list):
        return [json_value(rng, shape[0]) for _ in range(rng.randint(0, 3))]
    return json_leaf(rng, shape)


def json_text(rng, value):
    """JSON with odd blanks and escapes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=rng.random() < 0.5)
    if isinstance(value, dict):
        blank = rng.choice(["", " ", "\t"])
        return "{" + ",".join(f"{blank}{json_text(rng, key)}:{blank}{json_text(rng, inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(rng, inner) for inner in value) + "]"
    if isinstance(value, float) and rng.random() < 0.2:
        return json.dumps(value).replace("e+", rng.choice(["e", "E", "E+"]))
    return json.dumps(value)


def json_file(rng):
    shape = {name: json_shape(rng, 3) for name in names(rng, rng.randint(1, 6))}
    records = [{"id": at, **json_value(rng, shape)} for at in range(rng.randint(1, 30))]
    how = rng.randrange(3)
    texts = [json_text(rng, record) for record in records]
    if how == 0:
        # A line ends at a line feed, which in JSON stands in no string as it is.
        end = rng.choice(["\n", "\r\n"])
        body = end.join(texts) + rng.choice(["", end])
        return File("jsonl", body.encode(), {}, records)
    listed = "[" + rng.choice([",", ",\n", " , ", "\n,"]).join(texts) + "]"
    if how == 1:
        return File("json", listed.encode(), {}, records)
    document = '{"meta": {"n": 1}, "data": {"rows": ' + listed + "}}"
    return File("json", document.encode(), {"records": "data.rows"}, records)


# CSV ----------------------------------------------------------------------------------------------------------------

def csv_cell(rng, kind):
    if rng.random() < 0.08:
        return ""
    if rng.random() < 0.03:
        kind = "text"
    if kind == "int":
        return str(integer(rng))
    if kind == "float":
        return repr(number(rng))
    if kind == "bool":
        return rng.choice(["true", "false", "True", "FALSE"])
    if kind == "zeros":
        return f"{rng.randint(0, 99999):07}"
    if kind == "time":
        value = json_leaf(rng, "time")
        return "" if value is None else str(value)
    # csv.reader of Python refuses NUL in older versions, and no such file is CSV.
    return text(rng).replace("\x00", "")


def csv_file(rng):
    columns = names(rng, rng.randint(1, 7))
    kinds = [rng.choice(["text", "int", "float", "bool", "zeros", "time", "text"]) for _ in columns]
    end = rng.choice(["\n", "\r\n"])
    # Before Python 3.13 the writer quotes no line break but its own.
    cell = (lambda text: text) if end == "\r\n" else (lambda text: text.replace("\r", ""))
    rows = [[str(at)] + [cell(csv_cell(rng, kind)) for kind in kinds] for at in range(rng.randint(1, 40))]
    delimiter = rng.choice([",", ",", ";", "|", "\t"])
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=delimiter, quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), lineterminator=end
    )
    writer.writerow(["id", *columns])
    writer.writerows(rows)
    written = out.getvalue()
    read = list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter))
    records = [{"id": int(row[0]), **dict(zip(columns, row[1:]))} for row in read[1:]]
    options = {} if delimiter == "," else {"csv": {"delimiter": delimiter}}
    return File("csv", written.encode(), options, records)


# Parquet ------------------------------------------------------------------------------------------------------------

def int_kind(bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return getattr(pa, f"{'' if signed else 'u'}int{bits}")(), lambda rng: (lambda v: (v, v))(rng.choice([low, high, rng.randint(low, high)]))


def of_times(kind, arrow, to_value, low, high, most):
    """Times as whole numbers of their unit; some far beyond the calendar."""
    def make(rng):
        raw = rng.randint(low, high) if rng.random() < 0.8 else rng.randint(-most, most)
        return raw, Time(kind, to_value(raw))
    return arrow, make


def leaf_type(rng):
    how = rng.randrange(15)
    if how < 3:
        return int_kind(rng.choice([8, 16, 32, 64]), rng.random() < 0.6)
    if how == 3:
        return pa.float64(), lambda rng: (lambda v: (v, v))(rng.choice([number(rng), number(rng), float("nan"), float("inf")]))
    if how == 4:
        def make(rng):
            value = struct.unpack("f", struct.pack("f", rng.uniform(-1e6, 1e6)))[0]
            return value, value
        return pa.float32(), make
    if how == 5:
        return pa.bool_(), lambda rng: (lambda v: (v, v))(rng.random() < 0.5)
    if how == 6:
        length = rng.choice([None, 5])
        def make(rng):
            value = rng.randbytes(rng.randint(0, 8) if length is None else length)
            return value, value
        return (pa.binary() if length is None else pa.binary(length)), make
    if how == 7:
        precision = rng.choice([5, 18, 38, 38, 50])
        scale = rng.randint(0, precision)
        def make(rng):
            value = decimal.Decimal(rng.choice([-1, 1]) * rng.randint(0, 10 ** rng.randint(1, precision) - 1)).scaleb(-scale)
            return value, value
        return (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale), make
    if how == 8:
        return of_times("date", pa.date32(), lambda raw: raw, -719_162, 2_932_896, 2**31 - 1)
    if how == 9:
        unit = rng.choice(["s", "ms", "us", "ns"])
        arrow = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
        most = DAY // UNITS[unit] - 1
        def make(rng):
            raw = rng.randint(0, most)
            return raw, Time("time", raw * UNITS[unit])
        return arrow, make
    if how < 12:
        unit = rng.choice(["ms", "us", "us", "ns"])
        low, high = -62_135_596_800 * 10**9 // UNITS[unit], 253_402_300_799 * 10**9 // UNITS[unit]
        low, high = max(low, -(2**63) + 1), min(high, 2**63 - 1)
        most = min(2**63 - 1, 9_000_000_000_000 * 10**9 // UNITS[unit])
        zone = rng.choice([None, "UTC"])
        return of_times("timestamp", pa.timestamp(unit, zone), lambda raw: raw * UNITS[unit], low, high, most)
    return rng.choice([pa.string(), pa.large_string()]), lambda rng: (lambda v: (v, v))(text(rng))


def column_type(rng, depth):
    """An Arrow type, and what makes a value of it: for Arrow, and as it is expected."""
    how = rng.random()
    if depth == 0 or how < 0.65:
        arrow, make = leaf_type(rng)
    elif how < 0.78:
        fields = [(name, *column_type(rng, depth - 1)) for name in names(rng, rng.randint(1, 3))]
        arrow = pa.struct([(name, kind) for name, kind, _ in fields])
        def make(rng):
            pairs = {name: inner(rng) for name, _, inner in fields}
            return {name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()}
    elif how < 0.93:
        item, inner = column_type(rng, depth - 1)
        arrow = rng.choice([pa.list_, pa.large_list])(item)
        def make(rng):
            pairs = [inner(rng) for _ in range(rng.randint(0, 3))]
            return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    else:
        item, inner = leaf_type(rng)
        arrow = pa.map_(pa.string(), item)
        def make(rng):
            pairs = {key: inner(rng) for key in names(rng, rng.randint(0, 3))}
            return [(key, pair[0]) for key, pair in pairs.items()], Map(tuple((key, pair[1]) for key, pair in pairs.items()))

    def nullable(rng):
        return (None, None) if rng.random() < 0.1 else make(rng)
    return arrow, nullable


def parquet_file(rng):
    columns = {name: column_type(rng, 2) for name in names(rng, rng.randint(1, 7))}
    count = rng.randint(1, 40)
    arrays, records = {"id": pa.array(range(count), pa.int64())}, [{"id": at} for at in range(count)]
    for name, (arrow, make) in columns.items():
        pairs = [make(rng) for _ in range(count)]
        array = pa.array([pair[0] for pair in pairs], arrow)
        if pa.types.is_string(arrow) and rng.random() < 0.2:
            array = array.dictionary_encode()
        arrays[name] = array
        for record, pair in zip(records, pairs):
            record[name] = pair[1]
    out = io.BytesIO()
    pq.write_table(
        pa.table(arrays), out, compression=rng.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]), row_group_size=rng.choice([3, 1000]),
        data_page_version=rng.choice(["1.0", "2.0"]), use_dictionary=rng.random() < 0.5,
    )
    return File("parquet", out.getvalue(), {}, records)
