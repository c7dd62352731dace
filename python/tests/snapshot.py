"""What a DuckDB destination holds, with ids and times masked: the form of the recorded cases."""

import base64
import datetime as dt
import decimal
import json

MASKED = {"_dlt_load_id", "load_id"}


def decode(value):
    """Tagged JSON as a Python value."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, text),) = value.items()
            if key == "$decimal":
                return decimal.Decimal(text)
            if key == "$timestamp":
                return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
            if key == "$date":
                return dt.date.fromisoformat(text)
            if key == "$time":
                return dt.time.fromisoformat(text)
            if key == "$binary":
                return base64.b64decode(text)
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def encode(value):
    """A Python value as tagged JSON: timestamps in UTC."""
    if isinstance(value, decimal.Decimal):
        return {"$decimal": format(value.normalize(), "f")}
    if isinstance(value, dt.datetime):
        is_aware = value.tzinfo is not None
        value = value.astimezone(dt.timezone.utc) if is_aware else value
        return {"$timestamp": value.replace(tzinfo=None).isoformat() + ("Z" if is_aware else "")}
    if isinstance(value, dt.date):
        return {"$date": value.isoformat()}
    if isinstance(value, dt.time):
        return {"$time": value.isoformat()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$binary": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, float) and value != value:
        return {"$float": "nan"}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return {"$float": str(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def _canonical(row):
    return json.dumps(row, sort_keys=True, ensure_ascii=False)


def snapshot(db, dataset):
    """Columns, rows, doubled ids and load records of a dataset."""
    import duckdb

    with duckdb.connect(str(db), read_only=True) as connection:
        connection.execute("SET TimeZone='UTC'")
        query = connection.execute
        tables = [
            row[0]
            for row in query(
                "select table_name from information_schema.tables where table_schema=? order by 1", [dataset]
            ).fetchall()
        ]
        loads = {}
        if "_dlt_loads" in tables:
            rows = query(f'select load_id from "{dataset}"._dlt_loads order by inserted_at, load_id').fetchall()
            loads = {load_id: f"load-{index}" for index, (load_id,) in enumerate(rows)}
        columns = {}
        for table in tables:
            info = query(
                "select column_name, data_type, is_nullable from information_schema.columns where table_schema=? and "
                "table_name=? order by ordinal_position",
                [dataset, table],
            ).fetchall()
            columns[table] = [[name, kind, nullable == "YES"] for name, kind, nullable in info]
        data = sorted((t for t in tables if not t.startswith("_dlt_")), key=lambda t: (t.count("__"), t))
        rows, by_id = {}, {}
        for table in data:
            names = [column[0] for column in columns[table]]
            found = []
            for record in query(f'select * from "{dataset}"."{table}"').fetchall():
                record = dict(zip(names, record))
                row = {}
                for name, value in record.items():
                    if name == "_dlt_id":
                        continue
                    row[name] = encode(_masked(name, value, loads, by_id))
                if "_dlt_id" in record:
                    by_id[record["_dlt_id"]] = f"{table}:{_canonical(row)}"
                found.append(row)
            rows[table] = sorted(found, key=_canonical)
        places = {f"{t}:{_canonical(row)}": f"{t}[{index}]" for t in data for index, row in enumerate(rows[t])}
        linked = {}
        for table in data:
            short = [
                {
                    name: places.get(value, value)
                    if name in ("_dlt_parent_id", "_dlt_root_id") and isinstance(value, str)
                    else value
                    for name, value in row.items()
                }
                for row in rows[table]
            ]
            linked[table] = sorted(short, key=_canonical)
        doubled = {
            table: query(f'select count(*)-count(distinct _dlt_id) from "{dataset}"."{table}"').fetchone()[0]
            for table in data
            if any(column[0] == "_dlt_id" for column in columns[table])
        }
        meta = {}
        if "_dlt_loads" in tables:
            meta["_dlt_loads"] = [
                list(row)
                for row in query(
                    f'select schema_name, status, schema_version_hash from "{dataset}"._dlt_loads order by inserted_at, '
                    "load_id"
                ).fetchall()
            ]
        if "_dlt_version" in tables:
            meta["_dlt_version"] = [
                list(row)
                for row in query(
                    f'select version, engine_version, schema_name, version_hash from "{dataset}"._dlt_version order by '
                    "inserted_at, version"
                ).fetchall()
            ]
    return {"columns": columns, "rows": linked, "duplicate_dlt_ids": doubled, "meta": meta}


def _masked(name, value, loads, by_id):
    if name in MASKED:
        return loads.get(value, value)
    if name in ("_dlt_parent_id", "_dlt_root_id"):
        return by_id.get(value, "<dangling>") if value is not None else None
    if name in ("_dlt_valid_from", "_dlt_valid_to") and value is not None:
        near = (
            mask for load, mask in loads.items() if abs(float(load) - value.timestamp()) < 0.001
        )
        return f"<{next(near, 'clock')}>"
    return value


def of_pipeline(pipeline):
    """Schema and state of a pipeline."""
    schema = pipeline.default_schema.to_dict() if pipeline.default_schema_name else None
    keys = ("sources", "_state_version", "_state_engine_version", "default_schema_name", "schema_names")
    state = {key: value for key, value in pipeline.state.items() if key in keys}
    return {
        "schema": encode(schema),
        "state": encode(json.loads(json.dumps(state, default=str))),
    }


def differences(expected, found, path=""):
    """Lines that say where two snapshots differ. The order of columns and rows does not count."""
    if path.startswith("columns.") and path.count(".") == 1 and "[" not in path and isinstance(expected, list) and isinstance(found, list):
        expected = {column[0]: column[1:] for column in expected}
        found = {column[0]: column[1:] for column in found}
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in {**expected, **found}:
            own = f"{path}.{key}" if path else str(key)
            if path == "columns" and key.startswith("_dlt_") and key not in expected:
                # The recorder left the tables of the engine out.
                continue
            if key not in expected:
                lines.append(f"{own}: not expected: {_short(found[key])}")
            elif key not in found:
                lines.append(f"{own}: missing: {_short(expected[key])}")
            else:
                lines += differences(expected[key], found[key], own)
        return lines
    if isinstance(expected, list) and isinstance(found, list) and path.endswith("unique_hashes"):
        expected, found = sorted(expected), sorted(found)
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for index, (one, other) in enumerate(zip(expected, found))
            for line in differences(one, other, f"{path}[{index}]")
        ]
    is_same = expected == found and type(expected) is type(found)
    return [] if is_same else [f"{path}: {_short(expected)} expected, {_short(found)} found"]


def _short(value):
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}…"
