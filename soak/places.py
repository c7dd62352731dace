"""Pipelines of the soak: what they are made of, and another reader for what they loaded."""
import json, os, pathlib, sqlite3, subprocess, sys

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
DATASET = "ds"


def rows_of_duckdb(file, tables):
    with duckdb.connect(str(file), read_only=True) as connection:
        there = {row[0] for row in connection.execute(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{DATASET}'").fetchall()}
        return {table: connection.execute(f'SELECT {columns} FROM "{DATASET}"."{table}"').fetchall() if table in there else []
                for table, columns in tables.items()}


def rows_of_sqlite(file, tables):
    """Tables lie in the file of their dataset, beside the named one."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {table: connection.execute(f'SELECT {columns} FROM "{table}"').fetchall() if table in there else []
                for table, columns in tables.items()}
    finally:
        connection.close()


def rows_of_postgres(url, dataset, tables):
    rows = {}
    for table, columns in tables.items():
        names = [name.strip() for name in columns.split(",")]
        pairs = ", ".join(f'"{name}"' for name in names)
        sql = f"SELECT coalesce(json_agg(json_build_array({pairs})), '[]') FROM \"{dataset}\".\"{table}\""
        exists = psql(url, f"SELECT to_regclass('\"{dataset}\".\"{table}\"') IS NOT NULL")
        rows[table] = [tuple(row) for row in json.loads(psql(url, sql))] if exists == "t" else []
    return rows


def psql(url, sql):
    done = subprocess.run(["psql", "-XAtq", "-d", url, "-c", sql], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def rows_of_folder(folder, tables):
    rows = {}
    with duckdb.connect() as connection:
        for table, columns in tables.items():
            files = sorted((folder / DATASET / table).glob("**/*.parquet"))
            lines = sorted((folder / DATASET / table).glob("**/*.jsonl*"))
            if files:
                rows[table] = connection.read_parquet([str(f) for f in files], union_by_name=True).project(columns).fetchall()
            elif lines:
                rows[table] = connection.read_json([str(f) for f in lines]).project(columns).fetchall()
            else:
                rows[table] = []
    return rows


def files_source(disposition):
    incremental = "" if disposition in ("replace", "scd2") else ", incremental: {cursor_path: seq}"
    written = "write_disposition: {disposition: merge, strategy: scd2}" if disposition == "scd2" else f"write_disposition: {disposition}"
    key = ", primary_key: id" if disposition == "merge" else ""
    return ("source:\n  type: filesystem\n  bucket_url: ./in\n"
            f"  resources: [{{name: items, file_glob: '*.jsonl', {written}{key}{incremental}}}]\n")


def rest_source(disposition, url):
    key = "      primary_key: id\n" if disposition == "merge" else ""
    return ("source:\n  type: rest_api\n"
            f"  client: {{base_url: '{url}', paginator: {{type: page_number, base_page: 1, total_path: null}}}}\n"
            f"  resources:\n    - name: items\n      write_disposition: {disposition}\n{key}"
            "      endpoint:\n        path: items\n        data_selector: items\n"
            "        params: {since: '{incremental.start_value}'}\n"
            "        incremental: {cursor_path: seq, initial_value: 0}\n")


class Place:
    """One pipeline, its folder, its destination. `kind` is destination or source, and disposition."""

    def __init__(self, kind, folder, tools):
        self.kind, self.folder, self.tools = kind, folder, tools
        self.what, self.disposition = kind.split("-")
        (folder / "in").mkdir(parents=True)
        self.environment = {**os.environ, "WINDLASS_DATA_DIR": str(folder / "work"), "WINDLASS_NO_COLOR": "1"}
        target = {"duckdb": "duckdb", "rest": "duckdb", "postgres": "postgres", "sqlite": "sqlite", "folder": "folder"}
        self.target = target.get(self.what) or ("duckdb" if self.disposition == "append" else "sqlite")
        if self.what == "python":
            self.environment["PYTHONPATH"] = str(HERE.parent / "python")
            self.command = [sys.executable, str(HERE / "script.py"), self.target, self.disposition]
        else:
            self.command = [tools.windlass, "run", "p.yaml", "--progress", "none"]
            (folder / "p.yaml").write_text(self.pipeline_file())
        self.name = "soak"

    def pipeline_file(self):
        self.dataset = DATASET
        if self.target == "duckdb":
            destination = "{type: duckdb, credentials: ./o.duckdb}"
        elif self.target == "sqlite":
            destination = "{type: sqlite, credentials: ./o.db}"
        elif self.target == "postgres":
            # Nothing that naming would change, such as an underscore at the end.
            self.dataset = "soak_" + "".join(letter for letter in self.folder.name.lower() if letter.isalnum())
            destination = f"{{type: postgres, credentials: '{self.tools.postgres}'}}"
        else:
            destination = "{type: filesystem, bucket_url: ./out, loader_file_format: parquet}"
        source = rest_source(self.disposition, self.tools.rest_url(self)) if self.what == "rest" else files_source(self.disposition)
        return f"pipeline: soak\ndataset: {self.dataset}\ndestination: {destination}\n{source}"

    def add(self, number, records):
        """Puts records where the source finds them, at once."""
        if self.disposition in ("replace", "scd2"):
            target = self.folder / "in" / "all.jsonl"
        else:
            target = self.folder / "in" / f"{number:06}.jsonl"
        draft = target.with_suffix(".draft")
        draft.write_text("".join(json.dumps(record) + "\n" for record in records))
        draft.rename(target)

    def rows(self, tables):
        if self.target == "duckdb":
            return rows_of_duckdb(self.folder / "o.duckdb", tables)
        if self.target == "sqlite":
            files = [f for f in sorted(self.folder.glob("o*.db")) if f.name != "o.db"] or [self.folder / "o.db"]
            return rows_of_sqlite(next((f for f in files if "staging" not in f.name), files[0]), tables)
        if self.target == "postgres":
            return rows_of_postgres(self.tools.postgres, self.dataset, tables)
        return rows_of_folder(self.folder / "out", tables)

    def close(self):
        if self.target == "postgres":
            for dataset in (self.dataset, f"{self.dataset}_staging"):
                psql(self.tools.postgres, f'SET client_min_messages = error; DROP SCHEMA IF EXISTS "{dataset}" CASCADE')
