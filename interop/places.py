"""Where datasets are, how either tool reaches them, and what they hold."""
import base64, gzip, json, pathlib, shutil, zlib

import duckdb


class Database:
    """What DuckDB and Postgres have in common."""

    dataset = "data"
    file_format = None

    def snapshot(self):
        columns = {}
        for table, column, data_type, nullable in self.columns():
            columns.setdefault(table, {})[column] = f"{data_type}{'' if nullable else ' not null'}"
        rows = {}
        # Who loads at the moment is nobody else's business.
        columns.pop("_windlass_lease", None)
        for table in columns:
            names = ", ".join(f'"{name}"' for name in columns[table])
            values = self.query(f'SELECT {names} FROM "{self.dataset}"."{table}"')
            rows[table] = [dict(zip(columns[table], row)) for row in values]
        return described(columns, rows)


class DuckDb(Database):
    def __init__(self, folder):
        self.file = folder / "lake.duckdb"

    def dlt(self):
        import dlt
        return dlt.destinations.duckdb(str(self.file))

    def windlass(self):
        return {"type": "duckdb", "credentials": str(self.file)}

    def query(self, sql):
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def columns(self):
        return self.query("SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns "
                          f"WHERE table_schema = '{self.dataset}'")


class Postgres(Database):
    def __init__(self, url):
        self.url = url
        for dataset in (self.dataset, f"{self.dataset}_staging"):
            self.query(f'DROP SCHEMA IF EXISTS "{dataset}" CASCADE')

    def dlt(self):
        import dlt
        return dlt.destinations.postgres(self.url)

    def windlass(self):
        return {"type": "postgres", "credentials": self.url}

    def query(self, sql):
        import psycopg2
        connection = psycopg2.connect(self.url, options="-c TimeZone=UTC")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def columns(self):
        return self.query(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull FROM pg_class c "
            "JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
            f"WHERE s.nspname = '{self.dataset}' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped")


class Files:
    """A folder of Parquet or JSON lines."""

    dataset = "data"

    def __init__(self, folder, file_format):
        self.folder = folder / "bucket"
        self.file_format = file_format

    def dlt(self):
        import dlt
        return dlt.destinations.filesystem(f"file://{self.folder}")

    def windlass(self):
        return {"type": "filesystem", "bucket_url": str(self.folder)}

    def snapshot(self):
        columns, rows = {}, {}
        for folder in sorted((self.folder / self.dataset).iterdir()):
            if folder.name == ".windlass":
                continue
            if not folder.is_dir():
                continue
            columns[folder.name], rows[folder.name] = {}, []
            for file in sorted(folder.iterdir()):
                types, records = read(file)
                columns[folder.name].update(types)
                rows[folder.name] += records
        # Where nothing was ever loaded there is a folder, or there is none.
        columns = {table: types for table, types in columns.items() if rows[table]}
        return described(columns, {table: rows[table] for table in columns})


def read(file):
    """Types of columns and records of a file."""
    if file.suffix == ".parquet":
        import pyarrow.parquet
        table = pyarrow.parquet.read_table(file)
        return {field.name: str(field.type) for field in table.schema}, table.to_pylist()
    content = file.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    records = [json.loads(line) for line in content.splitlines() if line.strip()]
    return {key: "json" for record in records for key in record}, records


def unpacked(text):
    """What a column of a system table holds: JSON, or base64 of zlib of JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(zlib.decompress(base64.b64decode(text)))


def described(columns, rows):
    """What must be the same whoever loaded: no random ids, no clock."""
    loads = sorted(rows.pop("_dlt_loads", []), key=lambda row: (float(row["load_id"])))
    versions = sorted(rows.pop("_dlt_version", []), key=lambda row: (row["schema_name"], row["version"], str(row["inserted_at"])))
    states = sorted(rows.pop("_dlt_pipeline_state", []), key=lambda row: row["version"])
    names = {row["load_id"]: f"load {index}" for index, row in enumerate(loads)}
    return {
        "columns": {table: columns[table] for table in sorted(columns)},
        "rows": masked(rows, names),
        "loads": [[row["schema_name"], row["status"], row["schema_version_hash"]] for row in loads],
        "versions": [[row["schema_name"], row["version"], row["engine_version"], row["version_hash"],
                      unpacked(row["schema"])] for row in versions],
        "states": [[row["version"], row["engine_version"], row["pipeline_name"],
                    names.get(row.get("_dlt_load_id"), row.get("_dlt_load_id")), *state(row)] for row in states],
    }


def state(row):
    """The hash and the content of a state."""
    content = unpacked(row["state"])
    assert content["_version_hash"] == row["version_hash"]
    several = []
    for source in content.get("sources", {}).values():
        for resource in source.get("resources", {}).values():
            for cursor in resource.get("incremental", {}).values():
                cursor["unique_hashes"].sort()
                several += cursor["unique_hashes"][1:]
    if several:
        # dlt keeps them as a set, in an order that changes with each process, and the hash of the state with it.
        content.pop("_version_hash")
    return [content.get("_version_hash"), content]


def masked(rows, loads):
    """Rows as sorted texts, where links name the row that they lead to."""
    texts, result = {}, {}
    # Parents come before their children.
    for table in sorted(rows, key=lambda table: (table.count("__"), table)):
        result[table] = []
        for row in rows[table]:
            shown = {}
            for column, value in row.items():
                if column == "_dlt_id":
                    continue
                if column == "_dlt_load_id":
                    value = loads.get(value, value)
                elif column in ("_dlt_parent_id", "_dlt_root_id") and value is not None:
                    value = texts.get(value, "nowhere")
                elif column in ("_dlt_valid_from", "_dlt_valid_to") and hasattr(value, "timestamp"):
                    near = [name for load, name in loads.items() if abs(float(load) - value.timestamp()) < 0.001]
                    value = near[0] if near else "no load"
                if value is not None:
                    shown[column] = value
            text = json.dumps(shown, sort_keys=True, default=str, ensure_ascii=False)
            if "_dlt_id" in row:
                texts[row["_dlt_id"]] = f"{table} {text}"
            result[table].append(text)
        ids = [row["_dlt_id"] for row in rows[table] if "_dlt_id" in row]
        result[table] = sorted(result[table]) + ([] if len(ids) == len(set(ids)) else ["ids that are not unique"])
    return result


def places(folder, url):
    """All places by name, each made anew by its function."""
    def duckdb_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return DuckDb(folder)

    def files(file_format):
        def made():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            return Files(folder, file_format)
        return made

    found = {"duckdb": duckdb_file, "parquet": files("parquet"), "jsonl": files("jsonl")}
    if url:
        found["postgres"] = lambda: Postgres(url)
    return found
